"""No byte below public/ can be changed unseen: seeded single-byte changes anywhere, each found."""

from __future__ import annotations

import random

import pytest

from glassplate.verify import verify_city

SEED = 20261125
FLIPS = 300


@pytest.mark.long
def test_any_byte_of_any_file_is_covered(published):
    chance = random.Random(SEED)
    files = sorted(path for path in published.public.rglob("*") if path.is_file())
    assert len(files) > 30
    unseen = []
    # every file at least once, then more, by chance; small files as often as large ones
    for path in files + chance.choices(files, k=FLIPS - len(files)):
        whole = path.read_bytes()
        data = bytearray(whole)
        position, mask = chance.randrange(len(data)), chance.randrange(1, 256)
        data[position] ^= mask
        path.write_bytes(bytes(data))
        result = verify_city(published.public, published.fingerprints, published.now)
        path.write_bytes(whole)
        if result.holds:
            unseen.append(f"{path.relative_to(published.public)} byte {position} ^ {mask:#x}")

    assert not unseen
    assert verify_city(published.public, published.fingerprints, published.now).holds


@pytest.mark.parametrize(
    "name", ["log/checkpoint", "epoch-keys.note", "site.note", "bundle.vkey", "log/vkey"]
)
def test_no_bit_at_the_end_of_a_signed_file_is_spare(name, published):
    """Base64 and white space have several spellings; only one is accepted."""
    path = published.public / name
    whole = path.read_bytes()
    unseen = []
    for position in range(len(whole) - 2, len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[position] ^= 1 << bit
            path.write_bytes(bytes(data))
            if verify_city(published.public, published.fingerprints, published.now).holds:
                unseen.append((position, bit))

    assert not unseen
