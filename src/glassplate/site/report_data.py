"""What the public pages say, as data. Everything in it may be read by anybody for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from glassplate.records import CharterSummary, EpochStatus
from glassplate.site.charter_words import CharterChapter


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """How alerts ended. ``dismissed`` are misreads and stale entries: they say how good the alerts are."""

    raised: int
    confirmed: int
    dismissed: int

    @property
    def waiting(self) -> int:
        """Not yet decided."""
        return max(0, self.raised - self.confirmed - self.dismissed)


@dataclass(frozen=True, slots=True)
class EvidenceCounts:
    """What outlived its day, and what left the system."""

    holds_live: int
    reads_held: int
    """In the live holds."""
    holds_ended: int
    exports: int
    reads_exported: int


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One report. Counts cover the whole life of the record unless a name says otherwise.

    No plate, person, case or exact time of an act: only counts, the charter, keys' lives and the log.
    """

    city: str
    agency: str
    generated_at: datetime
    next_report_at: datetime
    mark: Literal["demo", "trial", "production"]
    charter: CharterSummary
    chapters: tuple[CharterChapter, ...]
    """The charter in plain words (``site.chapters``)."""
    searches_by_purpose: tuple[tuple[str, int], ...]
    """(the charter's label of the purpose, how many searches)."""
    refusals_by_rule: tuple[tuple[str, int], ...]
    """(rule, how many refusals)."""
    alerts: AlertCounts
    images_opened: int
    evidence: EvidenceCounts
    reads_live: int
    oldest_live_read_at: datetime | None
    epochs: tuple[EpochStatus, ...]
    entries_by_type: tuple[tuple[str, int], ...]
    log_origin: str
    log_size: int
    log_vkey: str
    """The log's verification key as a signed-note vkey: ``name+hash+key``."""
    fingerprints: tuple[tuple[str, str], ...]
    """(office, fingerprint of its key): the only root of trust of ``glassplate verify``."""
