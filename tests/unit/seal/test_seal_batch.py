"""A camera's signed batch: every byte of it counts, and nothing is believed before the signature holds."""

from __future__ import annotations

import stat
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seal_testing import CAMERA, CAMERA_KEY, sealed

from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import InputRefused, KeyUnavailable, ProofFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.seal import MAX_BATCH_READS, BatchSigner, CameraKey, parse_batch, verify_batch

SIGNER = BatchSigner(CAMERA, CAMERA_KEY.private_key)
LISTED = {CAMERA: CAMERA_KEY.public_text}
READS = tuple(sealed(number) for number in (1, 2))
BATCH = SIGNER.sign(7, READS)
ONE = SIGNER.sign(1, READS[:1])


def test_a_batch_arrives_as_it_was_sent():
    batch = verify_batch(BATCH, LISTED)
    assert (batch.camera_id, batch.outbox, batch.first, batch.reads) == (CAMERA, "0" * 16, 7, READS)
    assert batch.digests[0] == (sha256(READS[0].read).digest(), sha256(READS[0].crop).digest(), bytes(32))
    assert verify_batch(SIGNER.sign(7, READS, outbox="0123456789abcdef"), LISTED).outbox == "0123456789abcdef"
    with_scene = (replace(READS[0], scene=READS[1].crop), READS[1])
    assert verify_batch(SIGNER.sign(8, with_scene), LISTED).reads == with_scene


def test_a_camera_that_the_charter_does_not_list_is_refused_by_name():
    with pytest.raises(ProofFailed, match=f"{CAMERA} is not listed in the charter"):
        verify_batch(BATCH, {"cam-08": CAMERA_KEY.public_text})


@pytest.mark.parametrize(
    "key", [CameraKey.generate().public_text, "AAAA", ""], ids=["another", "short", "none"]
)
def test_another_key_did_not_sign_it(key):
    with pytest.raises((ProofFailed, InputRefused)):
        verify_batch(BATCH, {CAMERA: key})


def test_a_batch_of_another_camera_under_the_same_key_is_its_own():
    other = BatchSigner("cam-08", CAMERA_KEY.private_key).sign(7, READS)
    with pytest.raises(ProofFailed):
        verify_batch(other, LISTED)
    assert verify_batch(other, {"cam-08": CAMERA_KEY.public_text}).camera_id == "cam-08"


@settings(max_examples=300)
@given(st.integers(0, len(ONE) * 8 - 1))
def test_any_flipped_bit_is_refused(position):
    changed = bytearray(ONE)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises((ProofFailed, InputRefused)):
        verify_batch(bytes(changed), LISTED)


@given(st.integers(0, len(ONE) - 1))
def test_any_cut_is_refused(size):
    with pytest.raises((ProofFailed, InputRefused)):
        verify_batch(ONE[:size], LISTED)


@given(st.binary(min_size=1, max_size=99))
def test_anything_appended_is_refused(tail):
    with pytest.raises((ProofFailed, InputRefused)):
        verify_batch(ONE + tail, LISTED)


@given(st.binary(max_size=500))
def test_arbitrary_bytes_are_no_batch(data):
    for attempt in (data, b"GPBATCH2" + data, b"GPBATCH2" + len(data).to_bytes(4, "big") + data + bytes(64)):
        with pytest.raises(InputRefused):
            parse_batch(attempt)


HEADER = {"v": 2, "camera_id": CAMERA, "outbox": "0" * 16, "first": 1, "reads": []}
READ = parse_json(ONE[12 : 12 + int.from_bytes(ONE[8:12], "big")], limit=10_000)["reads"][0]
DIGEST = "0" * 64
BAD_HEADERS = {
    "no reads": HEADER,
    "one read too many": {
        **HEADER,
        "reads": [{**READ, "read_id": f"{n:032x}"} for n in range(MAX_BATCH_READS + 1)],
    },
    "a read twice": {**HEADER, "reads": [READ, READ]},
    "a read without a crop": {**HEADER, "reads": [{**READ, "crop": [0, DIGEST]}]},
    "a read without a read": {**HEADER, "reads": [{**READ, "read": None}]},
    "a negative length": {**HEADER, "reads": [{**READ, "scene": [-1, DIGEST]}]},
    "a length in words": {**HEADER, "reads": [{**READ, "scene": ["many", DIGEST]}]},
    "a length that is true": {**HEADER, "reads": [{**READ, "scene": [True, DIGEST]}]},
    "a length alone": {**HEADER, "reads": [{**READ, "scene": 100}]},
    "no length": {**HEADER, "reads": [{**READ, "scene": [DIGEST]}]},
    "a digest that is none": {**HEADER, "reads": [{**READ, "scene": [100, DIGEST[1:]]}]},
    "a digest that is a number": {**HEADER, "reads": [{**READ, "scene": [100, 1]}]},
    "a crop of a gigabyte": {**HEADER, "reads": [{**READ, "crop": [1 << 30, DIGEST]}]},
    "an unknown field": {**HEADER, "reads": [{**READ, "plate": "7QXO418"}]},
    "an id that is no id": {**HEADER, "reads": [{**READ, "read_id": "../x"}]},
    "an epoch that is a path": {**HEADER, "reads": [{**READ, "epoch_id": "../keys"}]},
    "a time without a zone": {**HEADER, "reads": [{**READ, "captured_at": "2026-11-25T06:30:00"}]},
    "a camera that is a path": {**HEADER, "reads": [READ], "camera_id": "../x"},
    "a number that is a fraction": {**HEADER, "reads": [READ], "first": 1.5},
    "a number that is negative": {**HEADER, "reads": [READ], "first": -1},
    "an outbox that is a path": {**HEADER, "reads": [READ], "outbox": "../x"},
    "another version": {**HEADER, "reads": [READ], "v": 1},
    "a list": [],
    "reads that are a number": {**HEADER, "reads": 3},
}


def framed(header: bytes, surplus: bytes = b"") -> bytes:
    body = ONE[12 + int.from_bytes(ONE[8:12], "big") + 64 :]
    signed = b"GPBATCH2" + len(header).to_bytes(4, "big") + header
    return signed + CAMERA_KEY.private_key.sign(b"glassplate/batch/v2\n" + signed) + body + surplus


def test_the_frame_of_these_tests_is_right():
    good = canonical_json({**HEADER, "reads": [READ]})
    assert verify_batch(framed(good), LISTED).reads == READS[:1]


def test_bytes_that_the_header_does_not_announce_are_refused_though_signed():
    with pytest.raises(InputRefused, match="announces"):
        verify_batch(framed(canonical_json({**HEADER, "reads": [READ]}), b"x"), LISTED)


@pytest.mark.parametrize("fault", BAD_HEADERS)
def test_a_well_signed_but_wrong_header_is_refused(fault):
    with pytest.raises(InputRefused):
        verify_batch(framed(canonical_json(BAD_HEADERS[fault])), LISTED)


@pytest.mark.parametrize(
    "header", [b'{"v":1}', b"{}", b"[" * 100_000, canonical_json({**HEADER, "reads": [READ]}) + b" "]
)
def test_a_header_in_another_form_is_refused(header):
    with pytest.raises(InputRefused):
        verify_batch(framed(header), LISTED)


def test_limits_hold_on_both_sides():
    with pytest.raises(InputRefused, match="at most 100 are accepted"):
        parse_batch(BATCH, limit=100)
    with pytest.raises(UsageError, match="1 to 250 reads"):
        SIGNER.sign(1, [])
    with pytest.raises(UsageError, match="1 to 250 reads"):
        SIGNER.sign(1, [replace(READS[0], read_id=f"{n:032x}") for n in range(MAX_BATCH_READS + 1)])
    with pytest.raises(UsageError, match="crop"):
        SIGNER.sign(1, [replace(READS[0], crop=bytes(1024 * 1024 + 1))])


def test_an_envelope_put_in_place_of_another_is_not_the_signed_one():
    """The header, and so the signature, are those of the good batch; only the bytes behind them are others."""
    start = len(ONE) - len(READS[0].crop)
    with pytest.raises(ProofFailed, match="sealed crop"):
        verify_batch(ONE[:start] + bytes(len(READS[0].crop)), LISTED)
    with pytest.raises(ProofFailed, match="sealed read"):
        verify_batch(ONE[: start - 1] + b"x" + ONE[start:], LISTED)


def test_a_full_batch_of_250_reads_fits():
    reads = tuple(replace(READS[0], read_id=f"{n:032x}") for n in range(MAX_BATCH_READS))
    with_scenes = tuple(replace(read, scene=read.crop) for read in reads)
    for full in (reads, with_scenes):
        assert (
            len(verify_batch(SIGNER.sign(2**53 - 1, full, outbox="f" * 16), LISTED).reads) == MAX_BATCH_READS
        )


def test_a_cameras_key_is_its_owners_alone_and_loads_again(tmp_path):
    path = tmp_path / "camera.key"
    CAMERA_KEY.save(path, LocalFiles())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CameraKey.load(path).public_text == CAMERA_KEY.public_text
    assert path.read_text().splitlines()[1] not in repr(CAMERA_KEY)
    path.write_text("-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeyUnavailable, match="enroll the camera again"):
        CameraKey.load(path)
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        CameraKey.load(tmp_path / "missing.key")
