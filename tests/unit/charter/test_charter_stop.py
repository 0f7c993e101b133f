"""The emergency stop: one office is enough to stop, and never enough to start again."""

from __future__ import annotations

import pytest
from charter_testing import (
    DOCUMENTS,
    FINGERPRINTS,
    KEYS,
    NOW,
    STRANGERS_KEY,
    VERIFIED,
    make_charter,
    make_documents,
)

from glassplate.charter import OFFICES, build_stop, verify_charter, verify_stop
from glassplate.errors import CharterRejected, UsageError

TEXT = build_stop(KEYS["auditor"], "searches without cases found", NOW, verified=VERIFIED)


@pytest.mark.parametrize("office", OFFICES)
def test_any_one_office_stops(office):
    stop = verify_stop(build_stop(KEYS[office], "why not", NOW, verified=VERIFIED), VERIFIED)
    assert (stop.office, stop.fingerprint, stop.reason, stop.at) == (
        office,
        FINGERPRINTS[office],
        "why not",
        NOW,
    )


def test_a_later_charter_starts_again():
    stop = verify_stop(TEXT, VERIFIED)
    assert stop.stops(1)
    assert not stop.stops(2)


def test_an_old_stop_is_still_valid_under_a_later_charter_and_does_not_stop_it():
    later = verify_charter(make_documents(make_charter(version=2)), now=NOW)
    assert not verify_stop(TEXT, later).stops(later.charter.version)


def test_a_stranger_stops_nothing():
    with pytest.raises(UsageError, match="No office"):
        build_stop(STRANGERS_KEY, "why not", NOW, verified=VERIFIED)
    strangers = make_documents(keys=KEYS | {"chief": STRANGERS_KEY})
    text = build_stop(STRANGERS_KEY, "why not", NOW, verified=verify_charter(strangers, now=NOW))
    with pytest.raises(CharterRejected, match="no office of this charter"):
        verify_stop(text, VERIFIED)


def test_another_citys_stop_stops_nothing():
    charter = make_charter(agency=type(VERIFIED.charter.agency)("other-pd", "Other"))
    text = build_stop(
        KEYS["clerk"], "why not", NOW, verified=verify_charter(make_documents(charter), now=NOW)
    )
    with pytest.raises(CharterRejected, match="stops other-pd, not invented-pd"):
        verify_stop(text, VERIFIED)


def test_every_changed_byte_is_refused():
    for position in range(len(TEXT)):
        byte = "0" if TEXT[position] != "0" else "1"
        with pytest.raises(CharterRejected) as caught:
            verify_stop(TEXT[:position] + byte + TEXT[position + 1 :], VERIFIED)
        assert caught.value.rules == ("charter-stop",)


@pytest.mark.parametrize(
    "text", ["", "{}", "null", TEXT + "\n", TEXT * 100, DOCUMENTS["charter.json"], "\ud800"]
)
def test_noise_is_no_stop(text):
    with pytest.raises(CharterRejected, match=r"stop\.json"):
        verify_stop(text, VERIFIED)


@pytest.mark.parametrize("reason", ["", "two\nlines", "x" * 401])
def test_the_reason_is_one_line(reason):
    with pytest.raises(UsageError, match="reason"):
        build_stop(KEYS["clerk"], reason, NOW, verified=VERIFIED)
