"""What doctor says of live lanes: from the vault's status, from the lanes' own files, and for a monitoring system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from glassplate.cli.doctor_cameras import cameras_of_lanes, cameras_of_vault, metrics
from glassplate.config import CityFolder
from glassplate.encoding import canonical_json, time_text
from glassplate.records import CameraHealth, VaultStatus

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def status_of(*cameras, healthy=True):
    return VaultStatus(healthy, (), None, "origin", 0, 0, NOW, None, 0, None, cameras)


def lane_file(folder, content):
    path = folder / "lane" / "court-16th" / "status.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def said(state, problem="", age=1):
    at = time_text(NOW - timedelta(seconds=age))
    return canonical_json({"v": 1, "at": at, "state": state, "problem": problem, "waiting": 4})


# a sentence: (what the file holds, is it well, what doctor says)
FILES = {
    "sees": (said("seeing"), True, "court-16th: sees; 4 reads wait"),
    "does not see": (said("blind", "stalled"), False, "court-16th: stalled; 4 reads wait"),
    "has no vault to tell": (said("blind", "vault"), False, "court-16th: vault; 4 reads wait"),
    "died": (said("seeing", age=46), False, "its lane has said nothing for 46 s"),
    "was stopped long ago": (said("stopped", age=90_000), True, "was stopped by a person"),
    "left a damaged file": (b"{", False, "cannot be read; start its lane again"),
    "left another document": (b"[]", False, "cannot be read; start its lane again"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_lane_that(what, tmp_path):
    content, well, sentence = FILES[what]
    lane_file(tmp_path, content)
    ((name, ok, detail),) = cameras_of_lanes(CityFolder(tmp_path), NOW)
    assert (name, ok) == ("camera", well)
    assert sentence in detail


def test_a_machine_without_live_lanes_has_nothing_to_say(tmp_path):
    assert cameras_of_lanes(CityFolder(tmp_path), NOW) == []


SEEING = CameraHealth("court-16th", "Court", "seeing", NOW, "", NOW, NOW - timedelta(seconds=2), 3, 7)
BLIND = CameraHealth("harbor-22nd", "Harbor", "blind", NOW, "it does not answer", NOW)


def test_cameras_that_see_are_listed_and_red_ones_left_to_the_problems():
    lines = cameras_of_vault(status_of(SEEING, BLIND, CameraHealth("yard", "Yard", "unwatched")))
    assert lines == [("camera", True, "court-16th: sees, last frame 2 s ago; 3 reads wait, 7 frames missed")]


def test_metrics_are_in_the_text_format_that_collectors_read():
    lines = metrics(status_of(SEEING, BLIND, healthy=False)).splitlines()
    assert "glassplate_healthy 0" in lines
    assert 'glassplate_camera_seeing{camera="court-16th"} 1' in lines
    assert 'glassplate_camera_seeing{camera="harbor-22nd"} 0' in lines
    assert 'glassplate_camera_frames_missed{camera="court-16th"} 7' in lines
    values = [line for line in lines if not line.startswith("#")]
    assert all(line.rpartition(" ")[2].isdigit() for line in values)
