"""The store of reads: encrypted segments, one key for each epoch."""

from glassplate.store.held_files import HeldFiles
from glassplate.store.search_worker import SearchWorker
from glassplate.store.sqlcipher_store import SqlcipherStore
from glassplate.store.store import NO_FILE, SegmentSummary, Store, StoredPage, StoredRead, StoreQuery

__all__ = [
    "NO_FILE",
    "HeldFiles",
    "SearchWorker",
    "SegmentSummary",
    "SqlcipherStore",
    "Store",
    "StoreQuery",
    "StoredPage",
    "StoredRead",
]
