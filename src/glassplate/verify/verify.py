"""The whole check, step by step; the numbers are those of the package's docstring."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError
from glassplate.log import VerifierKey
from glassplate.verify.acts import check_acts
from glassplate.verify.bodies import check_bodies
from glassplate.verify.charters import (
    DOCUMENTS,
    check_charters,
    check_installations,
    check_policies,
    policy_names,
    published_versions,
)
from glassplate.verify.decisions import check_decisions
from glassplate.verify.findings import Verification
from glassplate.verify.folder import check_folder, check_strays, read_file
from glassplate.verify.hold_life import check_holds
from glassplate.verify.key_life import KeyLife
from glassplate.verify.outages import check_outages
from glassplate.verify.published import (
    BUNDLE_NAME,
    MAX_KEY_BYTES,
    SITE_NAME,
    check_bundle,
    check_publisher,
    check_report,
    check_site,
)
from glassplate.verify.restores import check_restores
from glassplate.verify.signatures import check_signatures
from glassplate.verify.tree import check_growth, check_tree
from glassplate.verify.witnesses import check_witnesses

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.charters import PublishedCharter


def verify_city(
    public: Path,
    fingerprints: Mapping[str, str],
    now: datetime,
    *,
    since: bytes | None = None,
    audit_folder: Path | None = None,
    auditor_key: AuditorKey | None = None,
) -> Verification:
    """Check everything that ``public`` claims. ``now``: the day up to which the record must not be silent.

    ``since``: a checkpoint that somebody kept; the record must have grown from it and changed nothing before it.

    Never raises for what it finds; an empty ``findings`` means that everything holds.
    """
    result = Verification()
    if not check_folder(public, result):  # (0)
        return result
    charters = check_charters(public, fingerprints, result)  # (1)
    check_policies(public, charters, result)  # (2)
    if not charters:
        return result
    newest = charters[-1].charter
    log_key, publisher = _keys(newest, result)  # (3)
    if log_key is None or publisher is None:
        return result
    _check_shown_key(public, log_key, result)
    check_publisher(public, publisher, result)
    check_witnesses(public, log_key, newest, now, result)  # (4)
    pages = check_site(public, publisher, result)  # (9)
    check_strays(public, _known(public, charters, pages), result)
    entries = check_tree(public, log_key, result)  # (4)
    if not entries:
        return result
    if since is not None:
        check_growth(public, log_key, since, result)
    installed = check_installations(entries, charters, result)  # (5)
    key_life = KeyLife(lambda index: _retention(installed, index), result)
    key_life.follow(entries, now)  # (6)
    check_holds(entries, now, result)
    check_acts(entries, installed, result)  # (7)
    check_restores(entries, result)
    check_bundle(public, publisher, newest.agency.id, key_life, result)  # (8)
    check_report(public, entries, result)
    if audit_folder is not None:
        opened = check_bodies(audit_folder, entries, auditor_key, result)  # (10)
        check_outages(opened, entries, result)
        check_decisions(public, opened, entries, installed, charters, result)  # (11)
        if opened:
            check_signatures(opened, entries, result)
    return result


def _keys(charter: Charter, result: Verification) -> tuple[VerifierKey | None, VerifierKey | None]:
    try:
        return VerifierKey.parse(charter.log_vkey), VerifierKey.parse(charter.bundle_vkey)
    except GlassplateError as error:
        result.find("charter", f"it names a malformed key ({error})")
        return None, None


def _check_shown_key(public: Path, log_key: VerifierKey, result: Verification) -> None:
    try:
        if read_file(public / "log" / "vkey", MAX_KEY_BYTES) != f"{log_key}\n".encode():
            result.find(
                "log/vkey",
                "it is not the key that the signed charter names: this is another log, or a re-keyed twin",
            )
    except GlassplateError as error:
        result.find("log/vkey", error)


def _known(public: Path, charters: list[PublishedCharter], pages: set[str]) -> set[str]:
    """Every file that a signature or a hash covers, but for tiles. Charters that do not hold are found elsewhere."""
    documents = {f"charter/{version}/{name}" for version in published_versions(public) for name in DOCUMENTS}
    policies = {name for published in charters for name in policy_names(published)}
    return (
        {"log/checkpoint", "log/vkey", "bundle.vkey", BUNDLE_NAME, SITE_NAME} | documents | policies | pages
    )


def _retention(installed: Mapping[int, Charter], index: int) -> timedelta | None:
    earlier = [at for at in installed if at <= index]
    return timedelta(minutes=installed[max(earlier)].retention_minutes) if earlier else None
