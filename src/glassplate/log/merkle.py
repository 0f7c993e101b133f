"""RFC 6962 Merkle trees: hashing, proofs, and their iterative verification (RFC 9162 §2.1.3.2, §2.1.4.2).

Pure: no I/O. Trees are read through a ``NodeSource``: ``node(height, index)`` is the root of the complete,
aligned subtree over the leaves ``index << height`` … ``((index + 1) << height) - 1``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from glassplate.errors import ProofFailed, UsageError
from glassplate.log.text_fields import HASH_BYTES

NodeSource = Callable[[int, int], bytes]
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over a power-of-two number of hashes."""
    sha256 = hashlib.sha256  # written out: a million entries pass here
    level = list(hashes)
    while len(level) > 1:
        pairs = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return level[0]


def nodes_of(leaf_hashes: Sequence[bytes]) -> NodeSource:
    """The tree over leaf hashes in memory."""
    return lambda height, index: fold(leaf_hashes[index << height : (index + 1) << height])


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes in memory."""
    return tree_root(nodes_of(leaf_hashes), len(leaf_hashes))


def tree_root(node: NodeSource, size: int) -> bytes:
    """MTH of the first ``size`` leaves."""
    return _range_root(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: NodeSource, index: int, size: int) -> list[bytes]:
    """RFC 6962 §2.1.1 PATH: the leaf's sibling first.

    Raises:
        UsageError: when the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise UsageError(f"A tree of {size} entries has no entry {index}.")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(node, middle, end))
            end = middle
        else:
            path.append(_range_root(node, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(node: NodeSource, old_size: int, new_size: int) -> list[bytes]:
    """RFC 6962 §2.1.2 PROOF: that the tree of ``new_size`` begins with the one of ``old_size``.

    Raises:
        UsageError: when ``old_size`` is 0 (there is nothing to prove) or larger than ``new_size``.
    """
    if not 0 < old_size <= new_size:
        raise UsageError(f"There is no consistency proof from size {old_size} to {new_size}.")
    start, end, path, whole = 0, new_size, [], True
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_range_root(node, middle, end))
            end = middle
        else:
            path.append(_range_root(node, start, middle))
            start, whole = middle, False
    if not whole:  # SUBPROOF omits the old subtree only when it is the whole old tree
        path.append(_range_root(node, start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2. ``leaf`` is the leaf's hash.

    Raises:
        ProofFailed: unless ``leaf`` is at ``index`` of the tree of ``size`` with ``root``.
    """
    _demand_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofFailed(f"Entry {index} cannot be in a log of {size} entries.")
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ProofFailed("The inclusion proof has too many hashes.")
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofFailed("The inclusion proof has too few hashes.")
    if result != root:
        raise ProofFailed(f"The inclusion proof of entry {index} does not lead to the log's root.")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162 §2.1.4.2.

    Raises:
        ProofFailed: unless the new tree begins with the old one. From size 0 there is no proof: always
            refused.
    """
    if not 0 < old_size <= new_size:
        raise ProofFailed(f"A log cannot be shown to have grown from {old_size} to {new_size} entries.")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofFailed(f"Two different logs of {new_size} entries, or a proof where none is needed.")
        return
    _demand_hashes(old_root, new_root, *proof)
    hashes = list(proof)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)  # the old tree is itself a complete subtree of the new one
    if not hashes:
        raise ProofFailed("The consistency proof is empty.")
    _walk_consistency(old_size, old_root, new_size, new_root, hashes)


def _walk_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, hashes: list[bytes]
) -> None:
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if sn == 0:
            raise ProofFailed("The consistency proof has too many hashes.")
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or old != old_root or new != new_root:
        raise ProofFailed(
            f"The log of {new_size} entries does not begin with the one of {old_size}: it was rewritten."
        )


def _demand_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofFailed(f"Every hash of a proof must have {HASH_BYTES} bytes.")


def _split(count: int) -> int:
    """Largest power of two below ``count`` (which is at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(node: NodeSource, start: int, end: int) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return node(height, start >> height)
    middle = start + _split(count)
    return node_hash(_range_root(node, start, middle), _range_root(node, middle, end))
