"""The charter in plain words: short sentences for people, made from the signed values and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from glassplate.records import CharterSummary

_SIZES = ((24 * 60, "day"), (60, "hour"), (1, "minute"))


@dataclass(frozen=True, slots=True)
class CharterChapter:
    """A heading and its sentences."""

    title: str
    sentences: tuple[str, ...]


def chapters(charter: CharterSummary) -> tuple[CharterChapter, ...]:
    """The whole charter, in five chapters."""
    return (
        CharterChapter("How long", _retention(charter)),
        CharterChapter("What for", _purposes(charter)),
        CharterChapter("With what", _features(charter)),
        CharterChapter("Shared with whom", _sharing(charter)),
        CharterChapter("Who signed, until when", _signatures(charter)),
    )


def _retention(charter: CharterSummary) -> tuple[str, ...]:
    return (
        f"A read is deleted at the latest {_span(charter.retention_minutes)} after it was made.",
        "Deleting means destroying the only key that opens it.",
        f"One key covers {_span(charter.epoch_minutes)} of reads. Its death date may only move earlier.",
        "The record of who searched is kept and is published without plates, names or case numbers.",
    )


def _purposes(charter: CharterSummary) -> tuple[str, ...]:
    forbidden = [label for _, label, prohibited in charter.declared_uses if prohibited]
    sentences = [
        f"A search is allowed for: {_listed(label for _, label in charter.purposes)}.",
        f"Every search names a purpose, an offense and a case number, such as {charter.case_number_example}.",
        "Every search is recorded before it runs.",
        "Only vehicles can be searched. There is no search for people.",
    ]
    if forbidden:
        sentences.append(f"Never: {_listed(forbidden)}. Such a search is refused and counted in public.")
    return tuple(sentences)


def _features(charter: CharterSummary) -> tuple[str, ...]:
    approved = [_plain(name) for name, is_approved in charter.features if is_approved]
    closed = [_plain(name) for name, is_approved in charter.features if not is_approved]
    count = len(charter.cameras)
    sentences = [
        f"{count} camera{'' if count == 1 else 's'}: {_listed(name for _, name in charter.cameras)}."
    ]
    sentences.append(f"Approved: {_listed(approved)}." if approved else "No feature is approved.")
    if closed:
        sentences.append(f"Not approved, and therefore off: {_listed(closed)}.")
    if charter.hotlist_categories:
        armed = _listed(_plain(name) for name in charter.hotlist_categories)
        sentences.append(
            f"An alert may be raised only for: {armed}. A person compares the picture before anybody acts."
        )
        if charter.alert_on_near_match:
            sentences.append(
                "A plate that the camera may have misread raises an alert, too, but a silent one: it waits for a person."
            )
        else:
            sentences.append("A plate that merely looks like a wanted one raises no alert.")
    else:
        sentences.append("No alerts: no category of wanted plates is armed.")
    return tuple(sentences)


def _sharing(charter: CharterSummary) -> tuple[str, ...]:
    if not charter.grants:
        return ("Nobody outside this agency has access. No sharing is granted.",)
    return (f"Sharing is granted to: {_listed(charter.grants)}.",)


def _signatures(charter: CharterSummary) -> tuple[str, ...]:
    offices = _listed(office for office, _ in charter.signed_by) or "nobody"
    return (
        f"Version {charter.version}, signed by: {offices}.",
        f"In force from {_day(charter.not_before)} until {_day(charter.expires_at)}.",
        "When it ends, nothing can be searched until the offices sign again.",
        f"New numbers are published every {_seconds(charter.publication_interval_seconds)}.",
    )


def _span(minutes: int) -> str:
    size, noun = next((size, noun) for size, noun in _SIZES if minutes % size == 0)
    count = minutes // size
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _seconds(seconds: int) -> str:
    """Behind "every": "minute", "5 minutes", "45 seconds"."""
    size, noun = (60, "minute") if seconds and seconds % 60 == 0 else (1, "second")
    count = seconds // size
    return noun if count == 1 else f"{count} {noun}s"


def _day(moment: datetime) -> str:
    return f"{moment:%B} {moment.day}, {moment.year}"


def _plain(identifier: str) -> str:
    return identifier.replace("_", " ").replace("-", " ")


def _listed(names: Iterable[str]) -> str:
    return "; ".join(names)
