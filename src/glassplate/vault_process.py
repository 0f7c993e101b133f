"""The vault as a process: ``python -m glassplate.vault_process init|run``.

Says one line on standard output: ``ready`` (or the new city's keys), or a JSON problem when it cannot start. All else
goes to standard error. The unlock secret comes as a file, never as an argument or a variable.
"""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import signal
import socket
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.config import CityFolder, Settings, load_settings
from glassplate.errors import (
    CharterRejected,
    ClockRefused,
    GlassplateError,
    KeyUnavailable,
    Refused,
    StorageFailed,
    UsageError,
)
from glassplate.files import LocalFiles
from glassplate.freed_memory import is_complete
from glassplate.hidden_memory import hide_memory, lock_memory
from glassplate.keys import (
    SettableClock,
    SystemClock,
    TrustedTime,
    destroy_due,
    erase_by_clock,
    open_keyring,
    read_mark,
    still_owed,
)
from glassplate.mirror import begin_mirror, mirror_state

if TYPE_CHECKING:
    from glassplate.backups import Work
    from glassplate.vault import Vault

MAX_CHECKPOINT_BYTES = 64 * 1024
TELL_SECONDS = 0.2
MAX_SECRET_BYTES = 4096
TURN_SECONDS = 0.0005  # Python's own 5 ms would be waited after each write that a search runs beside


def main(arguments: list[str] | None = None) -> int:
    """Run the process; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    hide_memory()
    lock_memory()
    take_short_turns()
    try:
        _ACTS[chosen.act](chosen)
    except GlassplateError as error:
        _say(
            {
                "kind": error.kind,
                "detail": str(error),
                "rules": list(error.rules) if isinstance(error, Refused) else [],
            }
        )
        return error.exit_code
    except OSError as error:
        _say({"kind": StorageFailed.__name__, "detail": f"{error.filename or 'The disk'}: {error.strerror}."})
        return StorageFailed.exit_code
    return 0


def take_short_turns() -> None:
    """Threads of this process hand the interpreter on after ``TURN_SECONDS``, so that a search holds up no delivery.

    Intake gives it up for each hash and each write, and gets it back at the end of another thread's turn: reads that
    arrive beside a thread that never rests are taken about twice as fast as with Python's own 5 ms.
    """
    sys.setswitchinterval(TURN_SECONDS)


def _init(chosen: argparse.Namespace) -> None:
    from glassplate.founding import create_city

    fingerprints = dict(part.split("=", 1) for part in chosen.office)
    invitation = secrets.token_urlsafe(32)
    given = {"log_origin": chosen.origin, "keyring": chosen.keyring, "hsm_module": chosen.hsm_module}
    given |= {"hsm_token": chosen.hsm_token, "hsm_slot": chosen.hsm_slot}
    log_vkey, bundle_vkey = create_city(
        CityFolder(chosen.dir),
        Settings(**{name: value for name, value in given.items() if value}),
        _secret(chosen.unlock),
        fingerprints,
        (chosen.administrator, chosen.administrator_name or chosen.administrator),
        invitation,
        chosen.demo_clock or datetime.now(UTC),
    )
    _say({"log_vkey": log_vkey, "bundle_vkey": bundle_vkey, "invitation": invitation})


def _run(chosen: argparse.Namespace) -> None:
    from glassplate.vault import Vault

    folder = CityFolder(chosen.dir)
    clock = _demo_clock(chosen.demo_clock) if chosen.demo_clock else None
    vault = Vault(folder, load_settings(folder), _secret(chosen.unlock), clock=clock)
    if clock is not None:
        try:
            vault.only_for_demo()
        except CharterRejected:
            vault.close()
            raise
    vault.believe_demo_start()
    if not is_complete():
        vault.health.problems["freed memory"] = (
            "What the vault lets go of dead reads is not overwritten everywhere in its memory. Start it with glassplate "
            "serve, on a system with glibc; until then, restart it after each purge."
        )
    serve(vault)


def _demo_clock(at: datetime) -> SettableClock:
    """A demo's days are not the machine's: its boot clock is its wall clock, so that a later start is no jump."""
    return SettableClock(at, at.timestamp(), "demo")


def _purge(chosen: argparse.Namespace) -> None:
    """Destroy what is due, with nothing but the folder's lock and the clock; a hardware module's part needs its PIN."""
    from glassplate.founding import VaultPaths, folder_lock, purge_by_clock

    folder = CityFolder(chosen.dir)
    paths = VaultPaths(folder.vault)
    if not paths.keys.is_dir():
        raise KeyUnavailable(
            f"{paths.keys} is missing: whether a key is due cannot be known. Restore the folder."
        )
    with folder_lock(paths.root):
        mark = read_mark(paths.clock)
        if mark is None:
            raise ClockRefused(
                f"{paths.clock} is missing, so the time is not certain. Start the vault: glassplate serve."
            )
        settings, now = load_settings(folder), TrustedTime(SystemClock(), None, mark).purge_now()
        try:
            destroyed, _ = purge_by_clock(settings, folder, now, LocalFiles())
        finally:  # a mirror that is away keeps no key in the module alive
            if chosen.unlock and settings.keyring == "pkcs11":
                keyring = open_keyring(settings, paths.keys, _secret(chosen.unlock), LocalFiles())
                keyring.destroy_due(now)
        if settings.keyring == "pkcs11" and (owed := still_owed(paths.keys)):
            raise KeyUnavailable(
                f"Dead in this folder, but their keys in the hardware module are still there: {', '.join(owed)}. Run "
                "glassplate purge --unlock FILE with the token's PIN, or start the vault."
            )
        _say({"destroyed": destroyed})


def _begin_mirror(chosen: argparse.Namespace) -> None:
    """Fill the empty folder that the settings name; what is due dies first, so that it is not copied."""
    from glassplate.founding import VaultPaths, folder_lock

    folder = CityFolder(chosen.dir)
    settings, paths, files = load_settings(folder), VaultPaths(folder.vault), LocalFiles()
    root, vkey = _mirror_of(settings, folder)
    with folder_lock(paths.root):
        mark = read_mark(paths.clock)
        now = TrustedTime(SystemClock(), None, mark).purge_now() if mark is not None else None
        if now is not None:
            destroy_due(paths.keys, now, files, erase_by_clock(settings))
        begin_mirror(root, folder.root, paths.log, paths.keys, vkey, files)
    _say(asdict(mirror_state(root, paths.log, paths.keys, vkey, files)))


def _show_mirror(chosen: argparse.Namespace) -> None:
    """How the mirror is; beside a running vault, too."""
    from glassplate.founding import VaultPaths

    folder = CityFolder(chosen.dir)
    paths = VaultPaths(folder.vault)
    root, vkey = _mirror_of(load_settings(folder), folder)
    _say(asdict(mirror_state(root, paths.log, paths.keys, vkey, LocalFiles())))


def _mirror_of(settings: Settings, folder: CityFolder) -> tuple[Path, str]:
    from glassplate.founding import published_key

    if not settings.mirror:
        raise UsageError(
            f'No mirror is set. Write mirror = "/the/whole/path" into {folder.settings_file}, a folder on another disk.'
        )
    vkey = published_key(folder)
    if vkey is None:
        raise StorageFailed(
            f"{folder.public / 'log'} lacks the log's key. Start the vault once: glassplate serve."
        )
    return Path(settings.mirror), vkey


def _backup(chosen: argparse.Namespace) -> None:
    """A backup of a folder on which no vault runs: needs its lock, and no secret."""
    from glassplate.backups import NobodyWrites, make_backup
    from glassplate.founding import VaultPaths, folder_lock

    folder = CityFolder(chosen.dir)
    with folder_lock(VaultPaths(folder.vault).root):
        made = make_backup(folder, chosen.destination, datetime.now(UTC), NobodyWrites(), _told())
    _say(made.told())


def _check_backup(chosen: argparse.Namespace) -> None:
    from glassplate.backups import check_backup, names_witnesses

    manifest = check_backup(chosen.backup, _told())
    _say(
        {
            "made_at": manifest.made_at.isoformat(),
            "log_size": manifest.log_size,
            "files": len(manifest.files),
            "bytes": manifest.total_bytes,
            "holds_epoch_keys": manifest.holds_epoch_keys,
            "live": [key.epoch_id for key in manifest.live],
            "has_witnesses": names_witnesses(chosen.backup),
            "hsm_module": load_settings(CityFolder(chosen.backup)).hsm_module,
        }
    )


def _restore(chosen: argparse.Namespace) -> None:
    from glassplate.backups import Restore, restore

    newest = chosen.newest_checkpoint
    wanted = Restore(
        backup=chosen.backup,
        root=chosen.dir,
        mirror=chosen.mirror,
        newest_checkpoint=newest.read_bytes()[:MAX_CHECKPOINT_BYTES] if newest else None,
        operator_is_sure=chosen.operator_is_sure,
        at=datetime.now(UTC),
    )
    _say({**restore(wanted, _told()).public()})


def _told() -> Work:
    """Work that is told on standard output, a line a fifth of a second; the last line of all is the result."""
    from glassplate.backups import Work

    told_at = 0.0

    def tell(work: Work) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_SECONDS:
            told_at = time.monotonic()
            _say({"doing": work.doing, "done_bytes": work.done_bytes, "total_bytes": work.total_bytes})

    return Work(watch=tell)


def _try_segment(chosen: argparse.Namespace) -> None:
    """Try every key that exists on one segment file, as a thief with all of today's keys would."""
    from glassplate.founding import VaultPaths, folder_lock
    from glassplate.store.cipher_file import opens

    folder = CityFolder(chosen.dir)
    paths = VaultPaths(folder.vault)
    with folder_lock(paths.root):
        keyring = open_keyring(load_settings(folder), paths.keys, _secret(chosen.unlock), LocalFiles())
        keys = [keyring.secret(r.epoch.epoch_id).segment_key(0) for r in keyring.records() if r.is_alive]
        keys += [keyring.named_secret(label) for label in keyring.named_labels()]
    _say({"tried": len(keys), "opened": sum(opens(chosen.segment, key) for key in keys)})


_ACTS = {
    "init": _init,
    "run": _run,
    "purge": _purge,
    "begin-mirror": _begin_mirror,
    "show-mirror": _show_mirror,
    "backup": _backup,
    "check-backup": _check_backup,
    "restore": _restore,
    "try-segment": _try_segment,
}
_WITHOUT_SECRET = ("purge", "begin-mirror", "show-mirror", "backup", "check-backup", "restore")


def serve(vault: Vault) -> None:
    """Answer on the vault's socket until told to stop."""
    import uvicorn

    from glassplate.vault_api import create_api

    path = vault.folder.socket
    path.unlink(missing_ok=True)  # we hold the folder's lock, so what lies here is a dead vault's
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen()  # from here on whoever calls waits for the answer instead of being refused
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = uvicorn.Server(
        uvicorn.Config(create_api(vault), log_level="warning", access_log=False, lifespan="on")
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again once it has stopped
        signal.signal(number, lambda *_: sys.exit(0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        server.run(sockets=[listener])
    finally:
        path.unlink(missing_ok=True)


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes()[: MAX_SECRET_BYTES + 1].strip()
    except OSError as error:
        raise KeyUnavailable(f"The unlock secret {path} cannot be read: {error.strerror}.") from None
    if not 1 <= len(secret) <= MAX_SECRET_BYTES:
        raise KeyUnavailable(f"The unlock secret {path} is empty or longer than {MAX_SECRET_BYTES} bytes.")
    return secret


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="glassplate.vault_process")
    acts = parser.add_subparsers(dest="act", required=True)
    for name in _ACTS:
        act = acts.add_parser(name)
        act.add_argument("--dir", type=Path, required=True)
        act.add_argument("--unlock", type=Path, required=name not in _WITHOUT_SECRET)
        act.add_argument("--demo-clock", type=datetime.fromisoformat)
        if name == "try-segment":
            act.add_argument("--segment", type=Path, required=True)
        if name == "backup":
            act.add_argument("--destination", type=Path, required=True)
        if name in ("check-backup", "restore"):
            act.add_argument("--backup", type=Path, required=True)
        if name == "restore":
            act.add_argument("--mirror", type=Path)
            act.add_argument("--newest-checkpoint", type=Path)
            act.add_argument("--operator-is-sure", action="store_true")
        if name == "init":
            act.add_argument("--origin")
            act.add_argument("--office", action="append", default=[])
            act.add_argument("--administrator", default="administrator")
            act.add_argument("--administrator-name")
            for option in ("--keyring", "--hsm-module", "--hsm-token", "--hsm-slot"):
                act.add_argument(option)
    return parser


if __name__ == "__main__":
    sys.exit(main())
