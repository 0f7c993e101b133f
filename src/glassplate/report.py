"""The public folder: charters, log, epoch keys, numbers and pages. Computed, never typed.

Order of one publication, and what an outsider sees if we stop after each step:

    (1) charters and policies, each version under its own name     a document whose entry comes with (2)
    (2) log: tiles, then checkpoint                                a record newer than the pages
    (3) epoch public keys, signed                                  the same
    (4) pages, then the signed list of their hashes                pages that the next publication replaces
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from glassplate.charter import OFFICES
from glassplate.encoding import sha256_hex
from glassplate.log import sign_note
from glassplate.oversight import epoch_states
from glassplate.seal import bundle_text
from glassplate.seal.bundle import MAX_BUNDLE_KEYS
from glassplate.site import AlertCounts, EvidenceCounts, SiteReport, chapters, render_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.config import CityFolder
    from glassplate.files import Files
    from glassplate.keys import KeyRecord, Keyring, TrustedTime
    from glassplate.log import SigningKey, TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.registry import Registry
    from glassplate.store import Store

SITE_NOTE_VERSION = "glassplate-site/v1"
PACE = timedelta(
    seconds=2
)  # duties come every second, so a publication is late by that and starts the next no later
_POLICY_NAMES = ("base.cedar", "overlay.cedar", "schema.cedarschema")


class Report:
    """Writes ``D/public``. One publication at a time."""

    def __init__(
        self,
        folder: CityFolder,
        files: Files,
        log: TransparencyLog,
        registry: Registry,
        keyring: Keyring,
        store: Store,
        mandate: Mandate,
        time: TrustedTime,
        publisher: SigningKey,
    ) -> None:
        self._folder = folder
        self._files = files
        self._log = log
        self._registry = registry
        self._keyring = keyring
        self._store = store
        self._mandate = mandate
        self._time = time
        self._publisher = publisher
        self._lock = threading.Lock()
        self._counted = 0
        self._types: Counter[str] = Counter()

    def publish(self) -> int:
        """Publish everything; returns the published size of the log."""
        with self._lock:
            self._publish_charters()  # (1)
            checkpoint = self._log.publish()  # (2)
            self._write("epoch-keys.note", self.bundle(checkpoint.size).encode())  # (3)
            self._publish_pages(checkpoint.size)  # (4)
            return checkpoint.size

    def bundle(self, size: int | None = None) -> str:
        """The signed list of live epoch public keys, no key whose birth is not among the first ``size`` entries.

        The newest ones, when there are more than a lane reads: it seals what is captured now.
        """
        now = self._time.latest()
        known = self._log.size if size is None else size
        keys = [
            record.public()
            for record in self._keyring.records()
            if record.is_alive and record.epoch.destroy_at > now and self._is_logged(record, known)
        ][-MAX_BUNDLE_KEYS:]
        return sign_note(bundle_text(self._mandate.agency_id(), now, keys), [self._publisher]).decode()

    def _is_logged(self, record: KeyRecord, size: int) -> bool:
        logged = self._registry.epoch(record.epoch.epoch_id)
        return logged is not None and logged.created_index is not None and logged.created_index < size

    def numbers(self) -> dict[str, Any]:
        """The report as plain data."""
        with self._lock:
            report = self._report(self._log.published_size)
        return dict(TypeAdapter(SiteReport).dump_python(report, mode="json"))

    def _publish_charters(self) -> None:
        for version in self._mandate.installed_versions():
            documents = self._mandate.documents_of(version)
            for name, text in documents.items():
                self._write_once(f"charter/{version}/{name}", text.encode())
            for name in _POLICY_NAMES:
                content = documents[name].encode()
                self._write_once(f"policy/{sha256_hex(content)}", content)

    def _publish_pages(self, size: int) -> None:
        pages = render_site(self._report(size))
        for path, content in pages.items():
            self._write(path, content)
        hashes = "".join(f"{sha256_hex(content)} {path}\n" for path, content in sorted(pages.items()))
        self._write("site.note", sign_note(f"{SITE_NOTE_VERSION}\n{hashes}", [self._publisher]))

    def _report(self, size: int) -> SiteReport:
        in_force = self._mandate.last()
        charter = in_force.verified.charter
        summary = charter.summary(in_force.verified.signed_by)
        totals = self._registry.totals()
        states = self._registry.alert_states()
        epochs = epoch_states(self._keyring, self._registry, self._store)
        live = [epoch for epoch in epochs if epoch.state != "destroyed"]
        fingerprints = self._mandate.trusted_fingerprints()
        now = self._time.latest()
        return SiteReport(
            city=charter.city,
            agency=charter.agency.name,
            generated_at=now,
            mark=charter.mark,
            charter=summary,
            chapters=chapters(summary),
            searches_by_purpose=_labelled(totals, "search:", dict(summary.purposes).get),
            refusals_by_rule=_labelled(totals, "refusal:", lambda rule: rule),
            alerts=AlertCounts(
                raised=sum(states.values()),
                confirmed=states.get("confirmed", 0),
                dismissed=states.get("dismissed", 0),
            ),
            images_opened=totals.get("images opened", 0),
            evidence=self._evidence(totals),
            reads_live=sum(epoch.reads or 0 for epoch in live),
            oldest_live_read_at=min((e.starts_at for e in live if e.reads), default=None),
            epochs=tuple(epochs),
            entries_by_type=tuple(sorted(self._count_types(size).items())),
            log_origin=str(self._log.origin),
            log_size=size,
            log_vkey=charter.log_vkey,
            fingerprints=tuple((office, fingerprints[office]) for office in OFFICES),
            next_report_at=next_publication(now, timedelta(seconds=charter.publication_interval_seconds)),
        )

    def _evidence(self, totals: dict[str, int]) -> EvidenceCounts:
        holds = self._registry.holds()
        live = [hold for hold in holds if hold.state == "held"]
        return EvidenceCounts(
            holds_live=len(live),
            reads_held=sum(hold.reads for hold in live),
            holds_ended=sum(hold.state == "ended" for hold in holds),
            exports=totals.get("exports", 0),
            reads_exported=totals.get("reads exported", 0),
        )

    def _count_types(self, size: int) -> Counter[str]:
        for index in range(self._counted, size):
            self._types[json.loads(self._log.record(index).leaf)["pub"]["type"]] += 1
        self._counted = max(self._counted, size)
        return self._types

    def _write(self, path: str, content: bytes) -> None:
        self._files.write_atomic(self._folder.public / path, content)

    def _write_once(self, path: str, content: bytes) -> None:
        target = self._folder.public / path
        if not target.exists() or target.read_bytes() != content:
            self._files.write_atomic(target, content)


def next_publication(last: datetime, interval: timedelta) -> datetime:
    """When the public folder grows again, after it did so at ``last``: at a whole multiple of the interval since 1970.

    Public times are cut to the hour. A publication that held entries of two hours would tell on which side of the hour
    an act was; whole multiples end at the hour wherever the interval divides it. After one out of turn (a start, a
    person's) the next is an interval away at least, so that no stretch of the record is shorter.
    """
    earliest = last + interval - min(PACE, interval / 2)
    since = earliest - datetime.fromtimestamp(0, earliest.tzinfo)
    return earliest - since % interval + (interval if since % interval else timedelta())


def _labelled(
    totals: dict[str, int], prefix: str, label: Callable[[str], str | None]
) -> tuple[tuple[str, int], ...]:
    found = {name.removeprefix(prefix): count for name, count in totals.items() if name.startswith(prefix)}
    return tuple(
        (label(name) or name, count) for name, count in sorted(found.items(), key=lambda item: -item[1])
    )
