"""Two vehicles are two reads, even at a stop line and with one character between them; one vehicle is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from traffic_testing import START, STREET, Street, Vehicle, busy_street

from glassplate.recognize.found import overlap
from glassplate.recognize.passage import PassageReader
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.same_vehicle import contradicts
from glassplate.recognize.tracking import PlateTracker, edit_distance

LINE = (600, 400, 90, 30)


def candidate(text, box=LINE, sure=0.95, doubts=()):
    return PlateCandidate(text, tuple(0.5 if at in doubts else sure for at in range(len(text))), box)


def texts(passages):
    return [one.plate.text for one in passages]


@dataclass
class Walk:
    """A reader, and the time; 12 looks a second."""

    def __post_init__(self):
        self.reader, self.number, self.found = PassageReader(), 0, []

    def see(self, seconds, *candidates):
        for _ in range(round(seconds * 12)):
            self.number += 1
            at = START + timedelta(seconds=self.number / 12)
            self.found += self.reader.look(STREET, at, str(self.number), candidates)
        return self

    def drive(self, text, start, speed, seconds):
        for step in range(round(seconds * 12)):
            self.see(1 / 12, candidate(text, (round(start + speed * step / 12), *LINE[1:])))
        return self

    def hold(self, seconds):
        for _ in range(round(seconds * 12)):
            self.number += 1
            self.found += self.reader.hold(START + timedelta(seconds=self.number / 12))
        return self

    def end(self):
        self.found += self.reader.end()
        return texts(self.found)


@dataclass(frozen=True)
class Stopper(Vehicle):
    """It drives up to the line, stands for five seconds, and drives on."""

    def box(self, at):
        age = at - self.enters
        x = 600 - (1.5 - age) * 250 if age < 1.5 else 600 + 300 * max(0.0, age - 6.5)
        return (round(x), 400, 90, 30) if age >= 0 and x < 1250 else None


STOP_LINE = ["7KDR214", "7KDR217", "7KDR277", "7KDR973", "7KDR943", "2KDR943"]


@pytest.mark.parametrize("headway", [0.5, 2.0])
def test_a_queue_at_a_stop_line_whose_plates_differ_in_one_character_is_read_whole(headway):
    vehicles = [Stopper(text, (6.5 + headway) * n, 99, (0, 0), (0, 0)) for n, text in enumerate(STOP_LINE)]
    found = Street(vehicles, seed=3, character_error=0.03).passages(len(vehicles) * (6.5 + headway) + 5)
    assert sorted(texts(found)) == sorted(STOP_LINE)


@pytest.mark.parametrize("empty_seconds", [0.7, 1.0, 1.5, 3, 8, 30])
def test_a_second_vehicle_that_is_seen_only_when_it_stands_in_the_first_ones_place_is_read(empty_seconds):
    """At night the plates of moving vehicles may be a blur."""
    walk = Walk().see(6, candidate("7KDR214")).see(empty_seconds).see(6, candidate("7KDR217"))
    assert walk.end() == ["7KDR214", "7KDR217"]


def test_a_second_vehicle_that_leaves_before_the_first_was_told_is_read_and_so_is_the_first():
    walk = Walk().see(1, candidate("7KDR214")).see(0.8).see(0.5, candidate("7KDR217"))
    assert walk.end() == ["7KDR214", "7KDR217"]


@pytest.mark.parametrize("behind", [420, 530])
def test_a_track_that_went_over_to_the_vehicle_behind_is_parted(behind):
    """The first is not seen any more when the second comes into view, within reach and alike."""
    walk = Walk().drive("7KDR214", 300, 240, 1.5).drive("7KDR217", behind, 240, 1.5)
    first, second = walk.found + walk.reader.end()
    assert texts([first, second]) == ["7KDR214", "7KDR217"]
    assert first.number != second.number
    assert first.last_at < second.first_at
    assert second.plate.box[0] >= behind
    assert second.looks <= 18


def test_a_told_vehicle_that_another_one_follows_in_its_track_hides_nothing():
    walk = Walk().see(6, candidate("7KDR214"))
    assert texts(walk.found) == ["7KDR214"]
    assert walk.see(0.7).see(0.3, candidate("7KDR217")).end() == ["7KDR214", "7KDR217"]


def test_a_doubtful_beginning_is_not_taken_for_the_vehicle_before():
    """Two seconds of looks that leave the one character open, then it is read."""
    blurred, clear = candidate("7KDR217", doubts=(6,)), candidate("7KDR217", sure=0.99)
    walk = Walk().see(6, candidate("7KDR214")).see(0.8).see(2, blurred).see(4, clear)
    assert walk.end() == ["7KDR214", "7KDR217"]


@pytest.mark.parametrize("hidden_seconds", [0.4, 0.8, 1.5, 3, 9])
def test_a_vehicle_lost_behind_a_post_and_found_again_is_one(hidden_seconds):
    walk = Walk().see(6, candidate("7KDR214")).see(hidden_seconds).see(6, candidate("7KDR214"))
    assert walk.end() == ["7KDR214"]


@pytest.mark.parametrize("hidden_seconds", [0.8, 3, 9])
@pytest.mark.parametrize(
    "again", [candidate("7KDR217", doubts=(6,)), candidate("8KDR2I4"), candidate("7K0R214")], ids=str
)
def test_a_vehicle_that_stands_and_is_misread_when_it_is_found_again_is_one(hidden_seconds, again):
    first = candidate("8KDR214") if again.text.startswith("8") else candidate("7KDR214")
    walk = Walk().see(6, first).see(hidden_seconds).see(6, again)
    assert len(walk.end()) == 1


def test_a_doubtful_plate_is_another_vehicle_when_time_or_place_speak_for_it():
    doubtful = candidate("7KDR217", doubts=(6,))
    aside = candidate("7KDR217", (630, 405, 90, 30), doubts=(6,))
    assert len(Walk().see(6, candidate("7KDR214")).see(12).see(6, doubtful).end()) == 2
    assert len(Walk().see(6, candidate("7KDR214")).see(3).see(6, aside).end()) == 2


@pytest.mark.parametrize("seed", range(2))
def test_a_post_before_the_street_doubles_nobody(seed):
    vehicles = [
        Vehicle(v.text, v.enters, v.seconds, v.start, v.speed, hidden=((0.5, 1.1),))
        for v in busy_street(40, seed)
    ]
    found = texts(Street(vehicles, seed=seed).passages(max(v.enters for v in vehicles) + 4))
    assert len(found) == len(vehicles)


def test_a_misreading_that_turns_right_on_the_way_is_one_vehicle():
    """Sure and wrong from afar, right from near: no gap, no jump, so no second vehicle."""
    walk = Walk().drive("7KDR274", 200, 240, 1.5).drive("7KDR214", 560, 240, 1.5)
    assert len(walk.end()) == 1


def test_a_moving_vehicle_that_comes_out_where_it_should_is_one_however_it_is_read():
    """Wrong and sure before the post, right behind it: nothing else can be in that place by then."""
    walk = Walk().drive("7KDR274", 200, 240, 1.0).see(0.75).drive("7KDR214", 620, 240, 1.0)
    assert len(walk.end()) == 1


def test_a_plate_that_left_before_the_scene_came_to_rest_is_not_held_for_ever():
    walk = Walk().see(1, candidate("7KDR214")).see(0.5).hold(2)
    assert texts(walk.found) == ["7KDR214"]
    assert walk.reader._gathered == {}


def test_a_plate_that_one_look_at_a_still_scene_misses_is_still_there():
    walk = Walk().see(1, candidate("7KDR214")).hold(1).see(1 / 12).hold(4)
    assert len(walk.reader._gathered) == 1
    assert walk.end() == ["7KDR214"]


def test_a_track_that_nothing_was_seen_of_since_the_hour_ended_ends_quietly():
    walk = Walk().see(6, candidate("7KDR214"))
    walk.number += 12 * 3600
    walk.hold(0.1)
    assert walk.end() == ["7KDR214"]


def test_what_contradicts():
    plate = candidate("7KDR214")
    assert contradicts(plate, candidate("7KDR217"))
    assert not contradicts(plate, candidate("7KDR217", doubts=(6,)))
    assert not contradicts(candidate("7KDR214", doubts=(6,)), candidate("7KDR217"))
    assert not contradicts(candidate("8BXW615"), candidate("BBXW61S"))  # look-alikes
    assert not contradicts(plate, candidate("7KDR21"))  # cut off or covered


def test_a_contradicting_plate_does_not_join_a_track_from_afar():
    tracker, box = PlateTracker(), (600, 400, 90, 30)
    for number in range(3):
        (first,) = tracker.update([candidate("7KDR214", box)], START + timedelta(seconds=number / 12))
    far = (600 + 4 * 90, 400, 90, 30)
    (second,) = tracker.update([candidate("7KDR217", far)], START + timedelta(seconds=0.3))
    assert second is not first
    (again,) = tracker.update(
        [candidate("7KDR214", (600 - 360, 400, 90, 30))], START + timedelta(seconds=0.4)
    )
    assert again is first


def test_distances_of_texts_and_boxes():
    assert (edit_distance("7KDR214", "7KDR21"), edit_distance("", "AB"), edit_distance("ABC", "ABC")) == (
        1,
        2,
        0,
    )
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (20, 0, 10, 10)) == 0
