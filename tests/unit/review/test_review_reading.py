"""Every layout, mask and quirk that released exports have; and bytes from strangers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.errors import GlassplateError, InputRefused
from glassplate.review import Limits, read_exports, review
from glassplate.review.cells import cell_of, count_of, moment_of, person_of
from glassplate.review.rows import Hidden

HEADER = "ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,Text Prompt,Moderation"
ROW = 's-1,Officer 1,Example City PD,12,"03/01/2026, 01:00:00 PM UTC\n03/08/2026, 01:00:00 PM UTC",00AB123,burglary on Elm,26-00001,,"03/08/2026, 01:00:05 PM UTC",lookup,,allow'


@pytest.fixture
def read(tmp_path):
    def reads(*texts):
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            paths.append(path)
        return read_exports(paths)

    return reads


@pytest.mark.parametrize(
    "text", ["***", "######", "REDACTED", "[redacted]", "(b)(7)(C)", "Exemption 7", "█████", "* * *"]
)
def test_masks_hide(text):
    assert cell_of(text) is Hidden.MASKED


@pytest.mark.parametrize("text", ["*AAA999", "A*", "b7c", "redacted plate seen on video", "26-00001", "#12"])
def test_what_is_no_mask_stays(text):
    assert cell_of(text) == text


def test_a_name_with_covered_letters_names_nobody():
    assert person_of("J*** D***") is Hidden.MASKED
    assert person_of("Officer 1") == "Officer 1"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("03/08/2026, 12:00:00 AM UTC", 0), ("03/08/2026, 12:30:00 PM UTC", 12), ("3/8/2026 1:05 PM", 13),
        ("2026-03-08T09:00:00-05:00", 14), ("2026-03-08 09:00:00 UTC", 9), ("03/08/2026, 01:00:00 PM EST", 18),
    ],
)  # fmt: skip
def test_times_are_understood(text, hour):
    assert moment_of(text).at.replace(minute=0) == datetime(2026, 3, 8, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "13/45/2026", "03/08/2026, 13:00:00 PM UTC", "03/08/2026, 01:00:00 PM XYZ", "yesterday", "0/0/0000"],
)
def test_no_time_is_guessed(text):
    assert moment_of(text) is None


def test_zero_networks_are_unknown_not_none(read):
    [row] = read(f"{HEADER}\n{ROW.replace(',12,', ',0,')}").searches
    assert row.networks is None


def test_thousands_have_commas():
    assert count_of("6,809") == 6809
    assert count_of("1,2") is None


def test_a_row_is_read(read):
    [row] = read(f"{HEADER}\n{ROW}").searches
    assert (row.account, row.plate, row.case_number, row.networks) == (
        "Officer 1 (Example City PD)",
        "00AB123",
        "26-00001",
        12,
    )
    assert row.searched_at == datetime(2026, 3, 8, 13, 0, 5, tzinfo=UTC)


def test_the_portal_has_no_plates_and_that_is_said(read):
    text = "id,userId,searchDate,cameraCount,reason\n1,u-77,2026-03-08,180,burglary on Elm\n2,u-77,2026-03-08,180,burglary on Elm"
    exports = read(text)
    assert len(exports.searches) == 2
    repeats = review(exports, Limits()).checks[0]
    assert (repeats.judged, repeats.reasons) == (0, {"the file has no plate": 2})


def test_an_event_log_lists_sharing(read):
    text = (
        "Timestamp,User,Event Type,Entity Type,Entity Details,Event Id\n"
        '"03/08/2026, 01:00:05 PM UTC",Admin 1,create,networkShare,all of the state,e-1\n'
        '"03/08/2026, 01:10:05 PM UTC",Admin 1,update,stream,camera 4,e-2\n'
    )
    changes = review(read(text), Limits()).checks[-1]
    [finding] = changes.findings
    assert finding.account == "Admin 1"
    assert "sharing with other agencies" in finding.sentence


def test_an_unquoted_comma_is_put_back(read):
    shifted = ROW.replace("burglary on Elm", "burglary, on Elm, twice")
    exports = read(f"{HEADER}\n{shifted}")
    assert exports.searches[0].reason == "burglary, on Elm, twice"
    assert exports.searches[0].case_number == "26-00001"
    assert exports.files[0].realigned == 1


def test_an_unquoted_time_is_put_back(read):
    unquoted = ROW.replace('"03/08/2026, 01:00:05 PM UTC"', "03/08/2026, 01:00:05 PM UTC")
    exports = read(f"{HEADER}\n{unquoted}")
    assert exports.searches[0].searched_at == datetime(2026, 3, 8, 13, 0, 5, tzinfo=UTC)


def test_a_cell_left_out_is_put_back(read):
    exports = read(f"{HEADER}\n{ROW.replace(',26-00001,,', ',26-00001,')}")
    assert exports.searches[0].search_type == "lookup"
    assert exports.searches[0].case_number == "26-00001"


def test_a_line_that_fits_nowhere_is_told(read):
    exports = read(f"{HEADER}\n{ROW}\nnothing,here\n")
    assert len(exports.searches) == 1
    assert exports.files[0].unreadable == (4,)


def test_duplicates_and_overlaps_count_once(read):
    exports = read(f"{HEADER}\n{ROW}\n{ROW}", f"{HEADER}\n{ROW}\n{ROW.replace('s-1', 's-2')}")
    assert len(exports.searches) == 2
    assert [file.duplicates for file in exports.files] == [1, 1]


def test_two_searches_of_one_day_without_id_and_time_are_two(read):
    exports = read(
        "userID,networkCount,Search Time,Reason\nu1,4,03/08/2026,burglary\nu1,4,03/08/2026,burglary"
    )
    assert len(exports.searches) == 2


def test_masked_cells_are_never_clean(read):
    row = (
        ROW.replace("Officer 1", "***")
        .replace("00AB123", "###")
        .replace("burglary on Elm", "REDACTED")
        .replace("26-00001", "(b)(7)(C)")
        .replace(",12,", ",***,")
    )
    done = review(read(f"{HEADER}\n{row}"), Limits())
    assert [check.judged for check in done.checks] == [0] * 7
    assert all(check.cannot_judge == 1 and not check.findings for check in done.checks)


@pytest.mark.parametrize(
    "text", ["", "a,b,c\n1,2,3", "\x00\x01", "Reason\nx", ",".join("a" * 1 for _ in range(100))]
)
def test_what_is_no_export_is_refused_by_name(read, text):
    with pytest.raises(InputRefused, match=r"0\.csv"):
        read(text)


def test_a_cell_beyond_all_measure_is_refused(read):
    with pytest.raises(InputRefused, match="not a CSV file"):
        read(f"{HEADER}\n{'x' * 200_000}")


def test_bytes_that_are_no_text_are_counted(read):
    exports = read(f"{HEADER}\n{ROW}".encode().replace(b"burglary", b"b\xffrglary"))
    assert exports.files[0].replaced == 1


@given(st.binary(max_size=400))
def test_any_bytes_after_a_header_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "any.csv"
    path.write_bytes(HEADER.encode() + b"\n" + data)
    try:
        exports = read_exports([path])
    except GlassplateError:
        return
    assert (
        len(exports.searches) + exports.files[0].duplicates + len(exports.files[0].unreadable)
        == exports.files[0].rows
    )
    review(exports, Limits())


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_cells_are_read_or_told(tmp_path_factory, cells):
    import csv

    path = tmp_path_factory.mktemp("fuzz") / "any.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        writer.writerow(cells)
    try:
        exports = read_exports([path])
    except GlassplateError:
        return
    review(exports, Limits())
