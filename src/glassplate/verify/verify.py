"""The whole check, step by step; the numbers are those of the package's docstring."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError
from glassplate.log import VerifierKey
from glassplate.verify.acts import check_acts
from glassplate.verify.bodies import check_bodies
from glassplate.verify.charters import check_charters, check_installations, check_policies
from glassplate.verify.findings import Verification
from glassplate.verify.key_life import KeyLife
from glassplate.verify.published import check_bundle, check_report, check_site
from glassplate.verify.tree import check_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.charters import PublishedCharter

MAX_KEY_BYTES = 4096


def verify_city(
    public: Path,
    fingerprints: Mapping[str, str],
    now: datetime,
    *,
    audit_folder: Path | None = None,
    auditor_key: AuditorKey | None = None,
) -> Verification:
    """Check everything that ``public`` claims. ``now``: the day up to which the record must not be silent.

    Never raises for what it finds; an empty ``findings`` means that everything holds.
    """
    result = Verification()
    charters = check_charters(public / "charter", fingerprints, result)  # (1)
    check_policies(public / "policy", charters, result)  # (2)
    log_key = _log_key(public, charters, result)  # (3)
    if log_key is None:
        return result
    entries = check_tree(public / "log", log_key, result)  # (4)
    if not entries:
        return result
    installed = check_installations(entries, charters, result)  # (5)
    key_life = KeyLife(lambda index: _retention(installed, index), result)
    key_life.follow(entries, now)  # (6)
    check_acts(entries, installed, result)  # (7)
    check_bundle(public, charters, key_life, result)  # (8)
    check_site(public, charters, result)  # (9)
    check_report(public, entries, result)
    if audit_folder is not None:
        check_bodies(audit_folder, entries, auditor_key, result)  # (10)
    return result


def _log_key(public: Path, charters: list[PublishedCharter], result: Verification) -> VerifierKey | None:
    if not charters:
        return None
    named = charters[-1].charter.log_vkey
    try:
        shown = (public / "log" / "vkey").read_bytes()[:MAX_KEY_BYTES].decode().strip()
        if shown != named:
            result.find(
                "log/vkey",
                "it is not the key that the signed charter names: this is another log, or a re-keyed twin",
            )
        return VerifierKey.parse(named)
    except (OSError, UnicodeDecodeError) as error:
        result.find("log/vkey", f"it cannot be read ({error})")
    except GlassplateError as error:
        result.find("charter", f"it names a malformed log key ({error})")
    return None


def _retention(installed: Mapping[int, Charter], index: int) -> timedelta | None:
    earlier = [at for at in installed if at <= index]
    return timedelta(minutes=installed[max(earlier)].retention_minutes) if earlier else None
