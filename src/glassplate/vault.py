"""The vault: the only process with secrets. This module wires it together and keeps its timers.

Order at start, so that a crash before any step leaves a lawful state:

    (1) lock      one vault a folder
    (2) purge     destroy what is due: needs only the clock                     `founding.purge_by_clock`
                  A mirror's copies die with it; without its mirror the vault does this much and does not start
    (3) unlock    the keyring; a key that came back is destroyed again, and a hardware module's part of (2) is done.
                  Without its PIN the vault does not start, and (2) has closed this folder all the same
    (4) open      log (recovers, or refuses; so does a mirror that is ahead of it), registry, store, charter
                  In a restored folder enough witnesses must answer before anything is signed
    (5) reconcile apply entries that a crash kept from the registry; tombstones that are not logged yet
    (6) close     searches without an outcome become "interrupted"
    (7) started   entry ``vault-started`` with the build's hash
"""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.accounts import Accounts
from glassplate.act_signatures import ActSignatures
from glassplate.alert import Alerts
from glassplate.approvals import Approvals
from glassplate.audit_findings import AuditFindings
from glassplate.authorize import Authorizer
from glassplate.backups import MARK_NAME, Backups, RunningStillness, read_restored
from glassplate.build_identity import build_sha256
from glassplate.cameras import CameraWatch
from glassplate.charter import demand_shipped_rules
from glassplate.deliveries import Deliveries
from glassplate.epoch_duties import CLOSE_GRACE, EpochDuties
from glassplate.errors import CharterRejected, ClockRefused, GlassplateError, Refused, StorageFailed
from glassplate.export import Exports
from glassplate.files import LocalFiles
from glassplate.founding import (
    FIRST_ADMINISTRATOR,
    LOG_KEY,
    PUBLISHER_KEY,
    VaultPaths,
    folder_lock,
    purge_by_clock,
    read_first_administrator,
)
from glassplate.freed_memory import MemorySweep
from glassplate.gate import Gate
from glassplate.health import Health
from glassplate.history import HistoryKeys
from glassplate.hold import Holds
from glassplate.intake import Intake
from glassplate.keys import (
    SettableClock,
    SleepWatch,
    SystemClock,
    TrustedTime,
    https_time,
    open_keyring,
    read_mark,
)
from glassplate.log import SigningKey, TransparencyLog
from glassplate.mandate import Mandate
from glassplate.outages import Outages
from glassplate.oversight import Oversight
from glassplate.passkeys import Passkeys, RelyingParty
from glassplate.purge import Purge
from glassplate.record import Recorder, last_logged_time
from glassplate.registry import Registry
from glassplate.report import Report, next_publication
from glassplate.seal import OpeningWorker
from glassplate.segment_check import SegmentCheck
from glassplate.sign_in import SignIn
from glassplate.store import HeldFiles, SearchWorker, SqlcipherStore
from glassplate.tenure import Tenure
from glassplate.time_confirmation import TimeConfirmation
from glassplate.timekeeping import Timekeeping
from glassplate.witnessing import witness_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.config import CityFolder, Settings
    from glassplate.files import Files
    from glassplate.keys import Clock
    from glassplate.log import WitnessClient
    from glassplate.records import Receipt

REGISTRY_KEY = "registry"


class Vault:
    """One city's vault, open. Every public method may be called from several threads at once."""

    def __init__(
        self,
        folder: CityFolder,
        settings: Settings,
        secret: bytes,
        *,
        clock: Clock | None = None,
        files: Files | None = None,
        observe: Callable[[int], None] = lambda _step: None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.demo_clock = clock if isinstance(clock, SettableClock) else None
        self.is_for_demo = False
        self._files = files or LocalFiles()
        self._clock = clock or SystemClock()
        self._published_at: datetime | None = None
        self._sleep_watch = SleepWatch(self._clock)
        self._one_duty = threading.RLock()
        self._memory = MemorySweep()
        self._closing = contextlib.ExitStack()
        try:
            self._open(secret, observe)
        except BaseException:
            self._closing.close()
            raise

    def _open(self, secret: bytes, observe: Callable[[int], None]) -> None:
        paths = VaultPaths(self.folder.vault)
        files = self._files
        self._closing.enter_context(folder_lock(paths.root))  # (1)
        mark = read_mark(paths.clock)
        now = TrustedTime(self._clock, None, mark).purge_now() if mark is not None else None
        try:
            self._died_at_start, self.mirror = purge_by_clock(self.settings, self.folder, now, files)  # (2)
        except StorageFailed:
            self._purge_module(secret, now)  # a mirror that is away keeps no key in the module alive
            raise
        key_files = self.mirror.key_files if self.mirror is not None else files
        self.keyring = open_keyring(self.settings, paths.keys, secret, key_files, self._clock)  # (3)
        self._closing.callback(self.keyring.close)
        if now is not None:
            self.keyring.destroy_due(now)
        log_key = SigningKey.from_seed(self.settings.log_origin, self.keyring.named_secret(LOG_KEY))
        publisher = SigningKey.from_seed(
            f"{self.settings.log_origin}/publisher", self.keyring.named_secret(PUBLISHER_KEY)
        )
        log_files = files
        if self.mirror is not None:
            self.mirror.demand_city(str(log_key.verifier))
            self.mirror.check_log()
            log_files = self.mirror.log_files
        self.log = TransparencyLog.open(paths.log, self.folder.public / "log", log_key, log_files)  # (4)
        self._closing.callback(self.log.close)
        self.registry = Registry(paths.registry, self.keyring.named_secret(REGISTRY_KEY))
        self._closing.callback(self.registry.close)
        self.store = SqlcipherStore(paths.store, files, SearchWorker())
        self._closing.callback(self.store.close)
        self.mandate = Mandate(paths.charter, files, (str(log_key.verifier), str(publisher.verifier)))
        self.mandate.load()
        history = HistoryKeys(self.keyring)
        self._restored = read_restored(paths.root)
        if self.mandate.is_installed:
            witnesses = witness_client(self.mandate.last().verified.charter)
            if self._restored is not None:
                self._restored.demand_assured(has_witnesses=witnesses is not None)
            self._use_witnesses(witnesses, after_restore=self._restored is not None)
        self.time = TrustedTime(self._clock, last_logged_time(self.log, history), mark)
        self.recorder = Recorder(self.log, self.registry, self.mandate, history, self.time)
        source = self.settings.time_source
        self.timekeeping = Timekeeping(
            self.time,
            self._clock,
            self.recorder,
            files,
            paths.clock,
            (lambda: https_time(source)) if source else None,
        )
        with contextlib.suppress(OSError):  # a full disk stops no start; the timers try again and say so
            self.timekeeping.keep()
        self._publisher = publisher.verifier
        self._wire(publisher, observe)
        self._wire_backups()
        self._sweep()
        if self.mandate.is_installed:
            self._recover()

    def _purge_module(self, secret: bytes, now: datetime | None) -> None:
        if self.settings.keyring == "pkcs11" and now is not None:
            keys = VaultPaths(self.folder.vault).keys
            with (
                contextlib.suppress(GlassplateError),
                contextlib.closing(open_keyring(self.settings, keys, secret, self._files)) as keyring,
            ):
                keyring.destroy_due(now)

    def _wire(self, publisher: SigningKey, observe: Callable[[int], None]) -> None:
        self.authorizer = Authorizer(self.registry, self.recorder, self.mandate)
        party = RelyingParty(
            self.settings.rp_id, (self.settings.officer_origin, self.settings.oversight_origin)
        )
        passkeys = Passkeys(party, self.time.now)
        signatures = ActSignatures(self.registry, self.authorizer, passkeys)
        self.approvals = Approvals(self.registry, self.recorder, self.authorizer, self.time.now, signatures)
        self.gate = Gate(
            self.registry,
            self.recorder,
            self.authorizer,
            self.approvals,
            self.mandate,
            self.keyring,
            self.store,
            self.time,
            observe,
        )
        self.time_confirmation = TimeConfirmation(
            self.time, self.timekeeping, self.recorder, self.authorizer, self.approvals, self.gate
        )
        self.alerts = Alerts(self.registry, self.recorder, self.authorizer, self.mandate, self.gate)
        self.sign_in = SignIn(self.registry, self.recorder, self.mandate, passkeys, self.time.now)
        self.accounts = Accounts(
            self.registry, self.recorder, self.authorizer, self.gate, self.sign_in, self.approvals
        )
        self.oversight = Oversight(
            self.log, self.registry, self.keyring, self.store, self.mandate, self.authorizer, self.gate
        )
        self.findings = AuditFindings(
            self.log, self.registry, self.recorder, self.mandate, self.authorizer, self.gate
        )
        self.epochs = EpochDuties(
            self.mandate, self.keyring, self.store, self.registry, self.recorder, self._one_duty
        )
        held = HeldFiles(VaultPaths(self.folder.vault).holds, self._files)
        self.holds = Holds(
            self.registry,
            self.recorder,
            self.authorizer,
            self.mandate,
            self.keyring,
            self.gate,
            held,
            self.approvals,
        )
        self.exports = Exports(
            self.registry,
            self.recorder,
            self.authorizer,
            self.mandate,
            self.keyring,
            self.store,
            self.log,
            self.gate,
            self.holds,
            self.approvals,
            publisher,
        )
        opener = OpeningWorker()
        self._closing.callback(opener.close)
        self.purge = Purge(
            self.keyring,
            self.store,
            held,
            opener,
            self.registry,
            self.recorder,
            self.time,
            self.mirror,
            self._memory,
            self._one_duty,
        )
        self.tenure = Tenure(self.mandate, self.registry, self.recorder)
        paths = VaultPaths(self.folder.vault)
        self.deliveries = Deliveries(
            self._clock, self._files, paths.deliveries, self.settings.camera_megabytes_per_hour
        )
        self.cameras = CameraWatch(
            self.mandate, self.time, self._clock, self._files, paths.cameras, self.deliveries
        )
        self.outages = Outages(self.cameras, self.registry, self.recorder, self._clock)
        self.health = Health(
            self.log,
            self.registry,
            self.keyring,
            self.store,
            self.mandate,
            self.purge,
            self.time,
            self.cameras,
        )
        self.segment_check = SegmentCheck(self.registry, self.keyring, self.store, self.health.problems)
        self._closing.callback(self.segment_check.close)
        self.intake = Intake(
            self.mandate,
            self.keyring,
            self.store,
            self.alerts,
            self.recorder,
            self.time,
            self.deliveries,
            opener,
        )
        self.report = Report(
            self.folder,
            self._files,
            self.log,
            self.registry,
            self.keyring,
            self.store,
            self.mandate,
            self.time,
            publisher,
        )

    def _log_restored(self) -> None:
        """A folder that came from a backup says so once, before anything else is recorded in it."""
        if self._restored is not None:
            self.recorder.record("restored", {}, at=self.recorder.now(), public=self._restored.public())
            self._files.remove(VaultPaths(self.folder.vault).root / MARK_NAME)
            self._restored = None

    def _wire_backups(self) -> None:
        still = RunningStillness(self._one_duty, self.recorder, self.log, self.registry, self.store)
        self.backups = Backups(self.folder, still, self.recorder, lambda: self.mandate.is_installed)

    def _sweep(self) -> None:
        """Remove what killed writes left half-written, before anybody checks the folder; (3) has overwritten keys."""
        for part in (self.folder.vault, self.folder.public):
            for leftover in part.rglob(".*.tmp"):
                leftover.unlink(missing_ok=True)

    def _recover(self) -> None:
        self.recorder.reconcile()  # (5)
        if not self.tenure.is_logged():
            self.tenure.log_charter(self.mandate.last(), self.recorder.now())
        self._log_restored()
        self._add_first_administrator(self.recorder.now())
        self.tenure.check()
        self.health.check_keys(self._died_at_start)
        self.health.check_hold_keys(self._died_at_start)
        self.purge.run()
        self.segment_check.start()
        self.gate.close_interrupted()  # (6)
        self.holds.close_interrupted()
        self.recorder.record(  # (7)
            "vault-started", {}, at=self.recorder.now(), public={"build_sha256": build_sha256()}
        )
        self.tenure.log_drift()

    def close(self) -> None:
        """Publish what is recorded, say goodbye, give the folder back."""
        self.backups.close()
        with contextlib.suppress(GlassplateError, OSError):
            if self.mandate.is_installed:
                self.recorder.record("vault-stopped", {}, at=self.recorder.now())
                self.publish()
        self.deliveries.close()
        with contextlib.suppress(OSError):
            self.timekeeping.keep()
        self._closing.close()

    # --- timers ------------------------------------------------------------------------------------------------

    def duties(self) -> None:
        """Everything that is due now. Purge first: it must not wait for anything else to succeed."""
        with self._one_duty:
            self._run_duties()

    def _run_duties(self) -> None:
        self._try("purge", self.purge.run)
        if self.keyring.damaged:  # what does not open must die in time all the same
            self._try("damaged keys", lambda: self.keyring.destroy_due(self.time.purge_now()))
        self._try("keyring", self.keyring.demand_reachable)
        if self.mirror is not None:
            self._try("mirror", self.mirror.follow)
        has_charter = self.mandate.is_installed
        self._try("time", lambda: self.timekeeping.run(may_record=has_charter))
        if not has_charter:
            return
        self._try("clock", self.time.now)
        self._try("epochs", lambda: self.epochs.run(self.time.now()))
        self._try("inventory", lambda: self.epochs.inventory(self.time.now()))
        self._try("hotlist", lambda: self.alerts.drop_ended(self.time.now()))
        self._try("outages", lambda: self.outages.run(self.time.now()))
        self._try("publish", self._publish_if_due)

    def sweep_memory(self) -> None:
        """Overwrite what was let go of the dead, where that is due; between duties, since it holds up nobody's lock."""
        self._try("memory", self._memory.run)

    def has_woken(self) -> bool:
        """Whether the machine slept since this was asked last: its duties are then due at once."""
        return self._sleep_watch.has_woken()

    def _try(self, duty: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (GlassplateError, OSError) as error:
            self.health.problems[duty] = str(error)
        except Exception as error:  # noqa: BLE001 - whatever failed, the next duty must run, and purging most of all
            self.health.problems[duty] = (
                f"{duty} failed unexpectedly ({type(error).__name__}); it is tried again."
            )
        else:
            self.health.problems.pop(duty, None)

    def _publish_if_due(self) -> None:
        interval = timedelta(seconds=self.mandate.last().verified.charter.publication_interval_seconds)
        now = datetime.now(UTC)  # pacing only: how often outsiders see the log grow in real time
        if self._published_at is None or now >= next_publication(self._published_at, interval):
            self.publish()

    def publish(self) -> int:
        """Publish charter, report, pages and the log's tree; returns the published size."""
        self._published_at = datetime.now(UTC)
        return self.report.publish()

    def publish_for(self, token: str | None) -> int:
        """Publish now, asked by a person."""
        session = self.gate.who(token)
        self.authorizer.authorize(session, "publish", None, self.time.now())
        return self.publish()

    def bundle(self) -> str:
        """The signed epoch public keys for lanes: no charter in force, no list, no capture."""
        now = self.time.now()
        self.mandate.current(now)
        self.epochs.make_ahead(now)
        return self.report.bundle()

    def confirm_time(self, token: str | None, request_id: str) -> Receipt:
        """Believe what two persons say the time is, and do what is due by it: what only a jump called overdue dies.

        Raises:
            what ``TimeConfirmation.confirm`` raises; then nothing was confirmed.
        """
        receipt = self.time_confirmation.confirm(token, request_id)
        self.duties()
        return receipt

    # --- charter -----------------------------------------------------------------------------------------------

    def install_charter(self, documents: dict[str, str]) -> Receipt:
        """Install a signed charter. It carries its own authority, so no session is asked for.

        Files first, since its entry is sealed to the auditors whom it names; a crash before the entry is repaired
        at the next start, before anything is done under it.
        """
        now = self.time.now()
        installed = self.mandate.install(documents, now)
        demand_shipped_rules(installed.verified.policy)
        if installed.verified.charter.mark == "production" and not self.keyring.in_hardware:
            raise CharterRejected(
                "The keys lie in files, whose copies bring dead keys back. That is for demo and trial charters only; a "
                "production charter needs keys in hardware.",
                ("charter-keyring",),
            )
        if self.is_for_demo and installed.verified.charter.mark != "demo":
            raise CharterRejected(
                "This vault runs on a demo's clock; only a demo charter allows that.", ("demo-only",)
            )
        if installed.verified.charter.version <= self.tenure.newest_logged():
            raise CharterRejected(
                f"The record says that version {self.tenure.newest_logged()} was installed already; sign a later one.",
                ("charter-rollback",),
            )
        witnesses = witness_client(installed.verified.charter)  # refused before it is kept
        self.mandate.keep(installed)
        with self.mandate.acting_under(installed):
            receipt = self.tenure.log_charter(installed, now)
        self._use_witnesses(witnesses)
        self._add_first_administrator(now)
        self.duties()
        return receipt

    def _use_witnesses(self, client: WitnessClient | None, *, after_restore: bool = False) -> None:
        """Asks them what they saw last, before anything is signed: a log that was set back is found here."""
        if client is not None:
            self._closing.callback(client.close)
        self.log.use_witnesses(client, after_restore=after_restore)

    def stop(self, text: str) -> Receipt:
        """An office's emergency stop: takes effect first, since it only closes, and is logged at once."""
        return self.tenure.log_stop(self.mandate.stop(text))

    def _add_first_administrator(self, now: datetime) -> None:
        """Once in a city's life, and only what ``create_city`` signed: whoever can write the folder makes nobody."""
        path = VaultPaths(self.folder.vault).root / FIRST_ADMINISTRATOR
        if path.exists() and not self.registry.accounts():
            operation = read_first_administrator(path, self._publisher)
            self.recorder.record(
                "account-changed",
                {"by": "init", "account_id": operation["account_id"], "roles": operation["roles"]},
                at=now,
                operation=operation,
            )
        self._files.remove(path)

    # --- the demo's clock ----------------------------------------------------------------------------------------

    def only_for_demo(self) -> None:
        """Asked by whoever starts a vault on a clock that stands still: under it, no key would ever die.

        Raises:
            CharterRejected: the charter in force is not marked demo; later ones are refused, too.
        """
        self.is_for_demo = True
        if self.mandate.is_installed and not self.mandate.is_demo():
            raise CharterRejected(
                "Only a demo's clock can be set. Start without --demo-clock.", ("demo-only",)
            )

    def believe_demo_start(self) -> None:
        """Under a demo charter a start believes the clock: its days are invented, and nobody is there to confirm them."""
        if self.mandate.is_installed and self.mandate.is_demo():
            with contextlib.suppress(ClockRefused):  # set back: that is told by every act
                self.time.confirm(self._clock.wall())

    def advance_demo_clock(self, to: datetime) -> datetime:
        """Let the demo's days pass, each with its duties; only under a demo charter and a demo clock."""
        if self.demo_clock is None or not self.mandate.is_demo():
            raise Refused("Only a demo's clock can be advanced.", ("demo-only",))
        while (now := self.demo_clock.wall()) < to:
            ends = [r.epoch.destroy_at for r in self.keyring.hold_records() if r.is_alive]
            self.demo_clock.advance(min([to, _next_duty(now), *(end for end in ends if end > now)]) - now)
            self.duties()
        return self.demo_clock.wall()


def _next_duty(now: datetime) -> datetime:
    """The next moment at which something is due: keys die and are counted at midnight, days close after it."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (midnight + CLOSE_GRACE, midnight + timedelta(days=1))
    return next(moment for moment in moments if moment > now)
