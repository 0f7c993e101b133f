"""One read for each passing vehicle, whatever the recognizer misses and misreads on the way."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from traffic_testing import START, STREET, Street, Vehicle, busy_street

from glassplate.recognize import same_vehicle
from glassplate.recognize.passage import MAX_LOOKS, PassageReader, crop_quality
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.tracking import MAX_TRACKS

CROSSING = [
    Vehicle("7KDR214", 0.0, 2.0, (100, 340), (500, 0)),
    Vehicle("3GPL927", 0.0, 2.0, (1100, 360), (-500, 0)),
]
ONE = Vehicle("7KDR214", 0.5, 1.6, (100, 400), (600, 0))


def texts(passages):
    return [one.plate.text for one in passages]


def told(vehicles, seconds=6.0, **how):
    return Street(vehicles, **how).passages(seconds)


@pytest.mark.parametrize("frames_a_second", [8, 10, 12, 15])
def test_a_busy_street_gives_each_vehicle_once_and_the_vote_beats_the_single_frame(frames_a_second):
    vehicles = busy_street(60, seed=5)
    street = Street(vehicles, seed=frames_a_second, frames_a_second=frames_a_second)

    found = texts(street.passages(max(v.enters for v in vehicles) + 4))

    assert len(found) == len(vehicles)
    exact = len(set(found) & {vehicle.text for vehicle in vehicles}) / len(vehicles)
    single = street.exact / street.seen
    assert 0.5 < single < 0.7
    assert exact >= 0.97


def test_errors_that_repeat_in_most_frames_are_not_voted_away_but_doubted():
    """From one angle a B is an 8 in frame after frame: the vote follows the frames, and says how sure they are."""
    reader, found = PassageReader(), []
    randomness = random.Random(4)
    for number in range(20):
        wrong = randomness.random() < 0.6
        text = "8BXW61S" if wrong else "8BXW615"
        candidate = PlateCandidate(text, (0.95,) * 6 + (0.7,), (300 + 20 * number, 400, 90, 30))
        at = START + timedelta(seconds=number / 12)
        found += reader.look(STREET, at, str(number), [candidate])
    (one,) = found + reader.end()

    assert one.plate.text == "8BXW61S"
    assert one.plate.character_confidences[-1] < 0.6
    assert "8BXW615" in [alternative.text for alternative in one.plate.alternatives]


def test_two_vehicles_close_behind_each_other_are_two():
    behind = [
        Vehicle("7KDR214", 0.0, 1.6, (100, 400), (600, 0)),
        Vehicle("7KDR215", 0.7, 1.6, (100, 400), (600, 0)),
    ]
    assert sorted(texts(told(behind, character_error=0.02))) == ["7KDR214", "7KDR215"]


@pytest.mark.parametrize("seed", range(6))
def test_two_vehicles_that_cross_keep_their_plates(seed):
    assert sorted(texts(told(CROSSING, seed=seed))) == ["3GPL927", "7KDR214"]


def test_a_plate_hidden_for_a_moment_is_one_passage():
    hidden = Vehicle("7KDR214", 0.0, 3.0, (100, 400), (300, 0), hidden=((1.0, 1.8),))
    assert texts(told([hidden])) == ["7KDR214"]


def test_a_plate_hidden_for_longer_than_a_track_lives_is_told_once():
    hidden = Vehicle("7KDR214", 0.0, 6.0, (100, 400), (150, 0), hidden=((1.0, 4.0),))
    assert texts(told([hidden], 9, character_error=0.0)) == ["7KDR214"]


def test_a_vehicle_that_comes_back_later_is_told_again():
    again = [ONE, Vehicle("7KDR214", 30.0, 1.6, (1100, 400), (-600, 0))]
    assert texts(told(again, 35, character_error=0.0)) == ["7KDR214", "7KDR214"]


def test_a_car_parked_in_view_for_an_hour_is_one_read_and_in_the_second_hour_another():
    parked = Vehicle("7KDR214", 0.0, 4 * 3600, (500, 400), (0, 0))
    street = Street([parked], character_error=0.02, frames_a_second=0.2)
    reader, found = PassageReader(), []
    for number in range(12):  # it drives in and stands: looked at closely
        at = START + timedelta(seconds=number / 12)
        found += reader.look(STREET, at, str(number), street.candidates(number / 12))
    for number in range(1, 2 * 3600 - 60):  # then nothing moves; every fifth second there is a look
        at = START + timedelta(seconds=number + 1)
        if number % 5:
            found += reader.hold(at)
        else:
            found += reader.look(STREET, at, str(number), street.candidates(float(number)))
        if number == 3590:
            assert texts(found) == ["7KDR214"]
    assert texts(found) == ["7KDR214", "7KDR214"]
    assert reader.end() == []


def test_a_parked_car_is_told_soon_and_not_when_it_leaves():
    reader, found = PassageReader(), []
    car = PlateCandidate("7KDR214", (0.9,) * 7, (500, 400, 90, 30))
    for number in range(5 * 12):
        found += reader.look(STREET, START + timedelta(seconds=number / 12), str(number), [car])
    assert texts(found) == ["7KDR214"]
    assert found[0].last_at - found[0].first_at < timedelta(seconds=4.5)


def test_a_vehicle_that_still_comes_closer_is_waited_for():
    """Its best crop is its last; an alert waits for it, but not without end."""
    slow = Vehicle("7KDR214", 0.0, 9.0, (300, 300), (20, 10), width=50, growth=0.25)
    (one,) = told([slow], 12, detection=1.0, character_error=0.01)
    assert one.seen_at >= START + timedelta(seconds=6)
    creeping = Vehicle("7KDR214", 0.0, 60.0, (300, 300), (2, 1), width=50, growth=0.05)
    reader = PassageReader()
    street = Street([creeping], detection=1.0, character_error=0.0)
    found = []
    for number in range(20 * 12):
        at = number / 12
        found += reader.look(STREET, START + timedelta(seconds=at), str(number), street.candidates(at))
    assert texts(found) == ["7KDR214"]


def test_a_plate_seen_once_is_told_if_it_is_sure_and_not_if_it_is_doubtful():
    for confidence, expected in ((0.95, ["7KDR214"]), (0.6, [])):
        reader = PassageReader()
        candidate = PlateCandidate("7KDR214", (confidence,) * 7, (500, 400, 90, 30))
        found = reader.look(STREET, START, "0", [candidate]) + reader.end()
        assert texts(found) == expected


def test_junk_that_flickers_gives_no_read():
    """A sign or a grille, read differently each time and never surely."""
    randomness, reader, found = random.Random(2), PassageReader(), []
    for number in range(60):
        at = START + timedelta(seconds=number / 12)
        junk = "".join(randomness.choice("1IL7T4H") for _ in range(randomness.randint(4, 8)))
        box = (700 + randomness.randint(-4, 4), 200, 60, 30)
        candidate = PlateCandidate(junk, tuple(randomness.uniform(0.2, 0.6) for _ in junk), box)
        found += reader.look(STREET, at, str(number), [candidate] if number % 3 else [])
    assert texts(found + reader.end()) == []


def test_an_interrupted_view_ends_what_was_in_it():
    reader = PassageReader()
    candidate = PlateCandidate("7KDR214", (0.9,) * 7, (500, 400, 90, 30))
    for number in range(3):
        assert reader.look(STREET, START + timedelta(seconds=number / 12), str(number), [candidate]) == []
    assert texts(reader.end()) == ["7KDR214"]
    assert reader.end() == []


def test_time_that_goes_back_ends_what_was_in_view_and_breaks_nothing():
    reader = PassageReader()
    car = PlateCandidate("7KDR214", (0.9,) * 7, (500, 400, 90, 30))
    other = PlateCandidate("3GPL927", (0.9,) * 7, (500, 400, 90, 30))
    found = reader.look(STREET, START, "0", [car]) + reader.look(STREET, START, "1", [car])
    found += reader.look(STREET, START - timedelta(hours=1), "2", [other])
    assert texts(found) == ["7KDR214"]
    assert texts(reader.end()) == ["3GPL927"]


def test_the_same_looks_give_the_same_passages():
    def once():
        return [
            (one.number, one.plate, one.frame_id, one.seen_at)
            for one in Street(busy_street(12, 3), seed=9).passages(20)
        ]

    assert once() == once()


def test_the_best_frame_is_kept_and_what_it_showed_beside_the_plate():
    near = PlateCandidate("7KDR214", (0.99,) * 7, (500, 400, 180, 60))
    far = PlateCandidate("7KDR214", (0.9,) * 7, (520, 390, 110, 36))
    other = PlateCandidate("3GPL927", (0.9,) * 7, (900, 500, 90, 30))
    reader = PassageReader()
    reader.look(STREET, START, "far", [far])
    reader.look(STREET, START + timedelta(seconds=0.1), "near", [other, near])
    reader.look(STREET, START + timedelta(seconds=0.2), "far again", [far])
    found = {one.plate.text: one for one in reader.end()}

    assert found["7KDR214"].frame_id == "near"
    assert found["7KDR214"].plate.box == near.box
    assert found["7KDR214"].other_plates == (other.box,)
    assert found["7KDR214"].looks == 3
    assert "7KDR" not in repr(found["7KDR214"])


def test_the_best_crop_is_large_sharp_and_sure():
    size, place = (180, 60), (500, 400)
    sharp = STREET.copy()
    sharp[400:460, 500:680:9] = 255
    blurred = STREET.copy()
    blurred[400:460, 500:680] = 100
    sure = PlateCandidate("7KDR214", (0.99,) * 7, (*place, *size))
    doubtful = PlateCandidate("7KDR214", (0.6,) * 7, (*place, *size))
    small = PlateCandidate("7KDR214", (0.99,) * 7, (*place, 60, 20))
    cut = PlateCandidate("7KDR214", (0.99,) * 7, (0, 400, *size))
    best = crop_quality(sharp, sure)
    assert best > max(crop_quality(blurred, sure), crop_quality(sharp, doubtful), crop_quality(sharp, small))
    assert crop_quality(STREET, cut) < crop_quality(STREET, sure) / 2
    assert crop_quality(STREET, PlateCandidate("A", (0.9,), (5000, 5000, 10, 10))) == 0


def test_ten_thousand_boxes_in_a_frame_do_not_grow_without_end():
    boxes = [
        PlateCandidate("7KDR214", (0.5,) * 7, (10 * (n % 100), 7 * (n // 100), 9, 3)) for n in range(10_000)
    ]
    reader = PassageReader()
    for number in range(2):
        reader.look(STREET, START + timedelta(seconds=number / 12), str(number), boxes)
    assert len(reader._gathered) == MAX_TRACKS


def test_what_is_gathered_of_one_vehicle_is_bounded():
    reader = PassageReader()
    doubtful = PlateCandidate("7KDR214", (0.1,) * 7, (500, 400, 90, 30))
    for number in range(3 * MAX_LOOKS):
        reader.look(STREET, START + timedelta(seconds=number / 12), str(number), [doubtful])
    (gathered,) = reader._gathered.values()
    assert len(gathered.looks) == MAX_LOOKS


def test_a_told_vehicle_holds_no_frame():
    reader = PassageReader()
    car = PlateCandidate("7KDR214", (0.9,) * 7, (500, 400, 90, 30))
    for number in range(6 * 12):
        reader.look(STREET, START + timedelta(seconds=number / 12), str(number), [car])
    (gathered,) = reader._gathered.values()
    assert gathered.told is not None
    assert gathered.pixels is None


def test_memory_of_told_vehicles_is_bounded():
    reader = PassageReader()
    for number in range(same_vehicle.MAX_TOLD + 20):
        at = START + timedelta(hours=2 * number)
        car = PlateCandidate(f"7KD{number:04}", (0.9,) * 7, (500, 400, 90, 30))
        reader.look(STREET, at, str(number), [car])
        reader.end()
    assert len(reader._told) == same_vehicle.MAX_TOLD


def test_a_box_is_always_of_the_frame_whose_pixels_are_kept():
    """A plate that nothing can be read on for longer than looks are kept, and then can: pixels and box stay together."""
    reader = PassageReader()
    pictures = {}
    found = []
    for number in range(MAX_LOOKS + 60):
        pixels = STREET.copy()
        pixels[:] = number % 250
        x = 300 + number
        readable = number >= MAX_LOOKS + 30
        text, confidence = ("7KDR214", 0.95) if readable else ("", 0.0)
        candidate = PlateCandidate(text, (confidence,) * len(text), (x, 400, 90, 30))
        pictures[x] = number % 250
        found += reader.look(pixels, START + timedelta(seconds=number / 12), str(number), [candidate])
    (one,) = found + reader.end()

    assert one.plate.text == "7KDR214"
    assert one.pixels[0, 0, 0] == pictures[one.plate.box[0]]
