"""Sealing at the lane, opening in the vault: what opens where, and what never does."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_testing import AGENCY, CAMERA, EPOCH, IMAGE_KEY, OTHER_KEY, READ, READ_KEY, picture, sealed

from glassplate.encoding import canonical_json
from glassplate.errors import InputRefused, KeyUnavailable, ProofFailed
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.seal import ImageOpener, ReadOpener, Sealer, public_key_from_text, public_key_text
from glassplate.seal.envelope import EnvelopePlace, open_envelope, seal_envelope
from glassplate.seal.padding import pad, unpad
from glassplate.seal.read_format import decode_read, encode_read

OPENER = ReadOpener(READ_KEY, agency_id=AGENCY)
IMAGES = ImageOpener(IMAGE_KEY, agency_id=AGENCY)
PLACE = {"kind": "crop", "epoch_id": EPOCH.epoch_id, "camera_id": CAMERA, "read_id": READ.read_id}


def test_the_vault_opens_exactly_what_the_lane_saw():
    crop, scene = picture(90), picture(200)
    item = Sealer(AGENCY, [EPOCH]).seal(READ, crop, scene)
    assert (item.read_id, item.epoch_id, item.captured_at) == (READ.read_id, EPOCH.epoch_id, READ.captured_at)
    assert OPENER.open(item, camera_id=CAMERA) == READ
    assert IMAGES.open(item.crop, **PLACE) == crop.jpeg
    assert IMAGES.open(item.scene, **{**PLACE, "kind": "scene"}) == scene.jpeg


def test_a_sealed_read_shows_neither_its_plate_nor_its_plates_length():
    items = [sealed(text=text, character_confidences=(0.5,) * len(text)) for text in ("7QXO", "7QXO4188", "")]
    assert len({len(item.read) for item in items}) == 1
    assert not any(b"7QXO" in item.read + item.crop for item in items)
    assert "7QXO" not in repr(items)
    assert sealed().read != sealed().read


class NotRedacted:
    jpeg = b"\xff\xd8 a whole street"


UNREDACTED = {
    "bytes": b"\xff\xd8",
    "something that looks like one": NotRedacted(),
    "nothing": None,
    "text": "street.jpg",
}


@pytest.mark.parametrize("what", UNREDACTED)
def test_nothing_but_a_redacted_image_is_sealed(what):
    sealer = Sealer(AGENCY, [EPOCH])
    with pytest.raises(TypeError):
        sealer.seal(READ, UNREDACTED[what])
    if UNREDACTED[what] is not None:
        with pytest.raises(TypeError, match="RedactedImage"):
            sealer.seal(READ, picture(), UNREDACTED[what])


OUTSIDE = {
    "before the first epoch": EPOCH.starts_at - timedelta(microseconds=1),
    "at the end of the last epoch": EPOCH.ends_at,
    "a camera that believes it is 2020": datetime(2020, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("when", OUTSIDE)
def test_without_a_key_for_its_time_a_read_is_not_kept(when):
    with pytest.raises(KeyUnavailable, match=r"No epoch key covers .*camera's clock"):
        sealed(captured_at=OUTSIDE[when])


def test_of_two_epochs_that_cover_a_time_the_later_begun_is_taken():
    short = replace(EPOCH, epoch_id="2026-11-25T0600Z+60m", starts_at=EPOCH.starts_at + timedelta(hours=6))
    for keys in ([EPOCH, short], [short, EPOCH]):
        assert Sealer(AGENCY, keys).seal(READ, picture()).epoch_id == short.epoch_id


WRONG_PLACES = {
    "another read": {"read_id": "f" * 32},
    "another epoch": {"epoch_id": "2026-11-26"},
    "another camera": {"camera_id": "cam-08"},
    "another kind": {"kind": "scene"},
}


@pytest.mark.parametrize("place", WRONG_PLACES)
def test_an_image_opens_in_its_place_only(place):
    item = Sealer(AGENCY, [EPOCH]).seal(READ, picture())
    with pytest.raises(ProofFailed, match="does not open"):
        IMAGES.open(item.crop, **{**PLACE, **WRONG_PLACES[place]})


def test_keys_of_other_jobs_agencies_and_people_open_nothing():
    item = Sealer(AGENCY, [EPOCH]).seal(READ, picture())
    for opener in (ReadOpener(IMAGE_KEY, agency_id=AGENCY), ReadOpener(READ_KEY, agency_id="next-door-pd")):
        with pytest.raises(ProofFailed):
            opener.open(item, camera_id=CAMERA)
    for opener in (ImageOpener(READ_KEY, agency_id=AGENCY), ImageOpener(OTHER_KEY, agency_id=AGENCY)):
        with pytest.raises(ProofFailed):
            opener.open(item.crop, **PLACE)
    with pytest.raises(ProofFailed):
        OPENER.open(replace(item, read=item.crop), camera_id=CAMERA)


OUTSIDE_LIES = {
    "another id outside": {"read_id": "f" * 32},
    "another time outside": {"captured_at": READ.captured_at + timedelta(microseconds=1)},
    "another epoch outside": {"epoch_id": "2026-11-24"},
}


@pytest.mark.parametrize("lie", OUTSIDE_LIES)
def test_outside_and_inside_must_agree(lie):
    item = Sealer(AGENCY, [EPOCH]).seal(READ, picture())
    with pytest.raises(ProofFailed):
        OPENER.open(replace(item, **OUTSIDE_LIES[lie]), camera_id=CAMERA)


@pytest.mark.parametrize("lie", [{"read_id": "e" * 32}, {"camera_id": "cam-08"}])
def test_a_read_sealed_in_anothers_place_is_refused(lie):
    """Whoever seals may write any place into ``info``; then the inside gives it away."""
    place = EnvelopePlace("read", AGENCY, EPOCH.epoch_id, CAMERA, READ.read_id)
    inside = pad(encode_read(replace(READ, **lie)), 1024)
    item = replace(
        sealed(), read_id=READ.read_id, read=seal_envelope(inside, READ_KEY.public_key(), place.info())
    )
    with pytest.raises(ProofFailed, match="inside than outside"):
        OPENER.open(item, camera_id=CAMERA)


def test_every_flipped_bit_of_an_envelope_is_refused():
    envelope = seal_envelope(b"x", READ_KEY.public_key(), b"place")
    for position in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises((ProofFailed, InputRefused)):
            open_envelope(bytes(changed), READ_KEY, b"place")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_envelope(data):
    with pytest.raises((ProofFailed, InputRefused)):
        open_envelope(data, READ_KEY, b"place")
    with pytest.raises((ProofFailed, InputRefused)):
        open_envelope(b"\x01" + data, READ_KEY, b"place")


@given(st.binary(max_size=2000), st.sampled_from([512, 1024]))
def test_padding_hides_length_in_steps_and_comes_off_again(data, step):
    padded = pad(data, step)
    assert len(padded) % step == 0
    assert unpad(padded, step) == data


@pytest.mark.parametrize("padded", [b"", bytes(511), b"\xff" * 512, b"\0\0\0\1xy" + bytes(506), bytes(1024)])
def test_padding_that_nobody_wrote_is_refused(padded):
    with pytest.raises(InputRefused, match="padding"):
        unpad(padded, 512)


fractions = st.integers(0, 1000).map(lambda n: n / 1000)
words = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@st.composite
def plate_reads(draw):
    text = draw(st.text("ABCXYZ0189", max_size=16))
    return PlateRead(
        read_id=draw(st.text("0123456789abcdef", min_size=32, max_size=32)),
        text=text,
        character_confidences=tuple(draw(st.lists(fractions, min_size=len(text), max_size=len(text)))),
        camera_id=draw(words),
        captured_at=draw(st.datetimes(timezones=st.just(UTC))),
        recognizer=draw(words),
        box=tuple(draw(st.lists(st.integers(0, 4000), min_size=4, max_size=4))),
        alternatives=tuple(
            Alternative(t, c)
            for t, c in draw(st.lists(st.tuples(st.text("AB01", max_size=8), fractions), max_size=9))
        ),
        region=draw(words),
        region_confidence=draw(fractions),
        vehicle=Vehicle(*(draw(part) for part in (words, fractions) * 3)),
    )


@given(plate_reads())
def test_a_reads_format_keeps_every_field(read):
    data = encode_read(read)
    assert decode_read(data) == read
    json.loads(data, parse_float=lambda text: pytest.fail(f"a float among signed bytes: {text}"))


@given(
    st.binary(max_size=400)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_a_read_from_a_stolen_camera_cannot_hurt(data):
    with pytest.raises(InputRefused):
        decode_read(data)


BAD_READS = {
    "an id that is no id": {"read_id": "../../etc"},
    "a camera with a slash": {"camera_id": "a/b"},
    "lower-case text": {"text": "abc1234"},
    "a confidence above one": {"character_confidences": (1.5,) * 7},
    "fewer confidences than characters": {"character_confidences": (0.5,)},
    "a box outside every picture": {"box": (0, 0, 1 << 20, 10)},
    "more alternatives than anybody reads": {"alternatives": (Alternative("A1", 0.1),) * 33},
}


@pytest.mark.parametrize("fault", BAD_READS)
def test_a_read_that_the_vault_would_refuse_is_not_sealed(fault):
    with pytest.raises(InputRefused) as caught:
        sealed(**BAD_READS[fault])
    assert READ.text not in str(caught.value)


def test_public_keys_are_points_in_one_form():
    assert public_key_from_text(public_key_text(READ_KEY.public_key())) == READ_KEY.public_key()
    compressed = "Ag" + "A" * 42
    for text in ("", "BA", EPOCH.read_key[:-4] + "AAAA", compressed, EPOCH.read_key + "="):
        with pytest.raises(InputRefused):
            public_key_from_text(text)
    with pytest.raises(InputRefused):
        Sealer(AGENCY, [replace(EPOCH, image_key="BA")])


def test_openers_hold_one_key_and_show_none():
    assert not dataclasses.is_dataclass(OPENER)
    for opener in (OPENER, IMAGES):
        assert re.fullmatch(r"<glassplate\.seal\.opener\.\w+ object at 0x[0-9a-f]+>", repr(opener))


def test_a_read_of_the_version_before_is_still_read_and_has_no_second_color():
    document = json.loads(encode_read(READ))
    del document["second_color"]
    old = decode_read(canonical_json({**document, "v": 1}))
    assert old.text == READ.text
    assert (old.vehicle.second_color, old.vehicle.second_color_confidence) == ("unknown", 0.0)
    for strange in ({**document, "v": 2}, {**json.loads(encode_read(READ)), "v": 1}, {**document, "v": True}):
        with pytest.raises(InputRefused):
            decode_read(canonical_json(strange))


BAD_SECOND_COLORS = {
    "no list": "white",
    "no confidence": ["white"],
    "one too many": ["white", 300, 300],
    "no word": ["", 300],
    "a word that is too long": ["w" * 129, 300],
    "markup": ["<b>white</b>", 300],
    "more than certain": ["white", 1001],
    "less than nothing": ["white", -1],
    "a fraction": ["white", 0.3],
    "a truth": ["white", True],
    "nothing": None,
}


@pytest.mark.parametrize("fault", BAD_SECOND_COLORS)
def test_a_second_color_out_of_bounds_is_refused_by_its_name(fault):
    document = {**json.loads(encode_read(READ)), "second_color": BAD_SECOND_COLORS[fault]}
    with pytest.raises(InputRefused, match="second_color"):
        decode_read(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def test_both_colors_of_a_vehicle_are_carried():
    vehicle = Vehicle("car", 0.9, "white", 0.5, "silver or gray", 0.25)
    assert decode_read(encode_read(replace(READ, vehicle=vehicle))).vehicle == vehicle
