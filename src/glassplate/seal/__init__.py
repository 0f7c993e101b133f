"""Sealing: lanes seal to an epoch's public key, the vault opens; bodies of log entries for auditors."""

from glassplate.seal.batch import (
    MAX_BATCH_BYTES,
    MAX_BATCH_READS,
    NO_OUTBOX,
    Batch,
    BatchSigner,
    parse_batch,
    verify_batch,
)
from glassplate.seal.body import AuditorKey, auditor_key_id, open_body, seal_body
from glassplate.seal.bundle import EpochBundle, bundle_text, keys_sha256, parse_bundle
from glassplate.seal.camera_key import CameraKey
from glassplate.seal.envelope import public_key_from_text, public_key_text
from glassplate.seal.heartbeat import Heartbeat, verify_heartbeat
from glassplate.seal.held import MAX_PART_READS, open_held, seal_held
from glassplate.seal.opener import ImageOpener, ReadOpener
from glassplate.seal.opening_worker import OpeningWorker
from glassplate.seal.sealer import Sealer

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_READS",
    "MAX_PART_READS",
    "NO_OUTBOX",
    "AuditorKey",
    "Batch",
    "BatchSigner",
    "CameraKey",
    "EpochBundle",
    "Heartbeat",
    "ImageOpener",
    "OpeningWorker",
    "ReadOpener",
    "Sealer",
    "auditor_key_id",
    "bundle_text",
    "keys_sha256",
    "open_body",
    "open_held",
    "parse_batch",
    "parse_bundle",
    "public_key_from_text",
    "public_key_text",
    "seal_body",
    "seal_held",
    "verify_batch",
    "verify_heartbeat",
]
