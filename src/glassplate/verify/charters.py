"""The charters: every version signed by the offices whose fingerprints the ordinance prints, and logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.charter import verify_charter
from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

MAX_DOCUMENT_BYTES = 1024 * 1024  # a charter with a thousand cameras has a third of it
MAX_DOCUMENTS = 20


@dataclass(frozen=True, slots=True)
class PublishedCharter:
    """One verified version and the hash of its ``charter.json``."""

    charter: Charter
    sha256: str


def check_charters(
    folder: Path, fingerprints: Mapping[str, str], result: Verification
) -> list[PublishedCharter]:
    """Verify every published version against the fingerprints; returns those that hold, ascending."""
    versions = (
        sorted((int(p.name), p) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []
    )
    if not versions:
        result.find("charter", "no charter is published; without one nobody can say what was allowed")
    found = []
    for version, place in versions:
        try:
            documents = _documents(place)
            verified = verify_charter(
                documents, now=None, last_version=version - 1, trusted_fingerprints=fingerprints
            )
        except (GlassplateError, OSError, UnicodeDecodeError) as error:
            result.find(f"charter/{version}", error)
            continue
        if verified.charter.version != version:
            result.find(f"charter/{version}", f"it says version {verified.charter.version}")
            continue
        found.append(PublishedCharter(verified.charter, sha256_hex(documents["charter.json"].encode())))
    if found:
        newest = found[-1].charter
        result.tell(
            f"Charter version {newest.version} of {newest.city} is signed by the three offices; "
            f"in force until {newest.expires_at:%Y-%m-%d}."
        )
    return found


def check_policies(folder: Path, charters: Sequence[PublishedCharter], result: Verification) -> None:
    """Every policy file lies under the hash it has, and every charter's policies are there."""
    present = set()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if sha256_hex(path.read_bytes()) != path.name:
            result.find(f"policy/{path.name}", "its content does not have the hash in its name")
        present.add(path.name)
    for published in charters:
        policy = published.charter.policy
        for digest in (policy.base_sha256, policy.overlay_sha256, policy.schema_sha256):
            if digest not in present:
                result.find(
                    f"policy/{digest}", f"charter version {published.charter.version} names it; it is missing"
                )


def check_installations(
    entries: Sequence[PublicEntry], charters: Sequence[PublishedCharter], result: Verification
) -> dict[int, Charter]:
    """Each installation entry names a published charter and the other way round; returns entry index → charter."""
    by_version = {published.charter.version: published for published in charters}
    installed: dict[int, Charter] = {}
    for entry in entries:
        if entry.entry_type != "charter-installed":
            continue
        published = (
            by_version.get(int(entry.public.get("version", "0")))
            if entry.public.get("version", "").isdigit()
            else None
        )
        if published is None or entry.public.get("charter_sha256") != published.sha256:
            result.find(entry.where, "the charter it names is not the one published under that version")
            continue
        installed[entry.index] = published.charter
    for version in sorted(set(by_version) - {charter.version for charter in installed.values()}):
        result.find(f"charter/{version}", "the record has no entry of its installation")
    if entries and entries[0].index not in installed:
        result.find(entries[0].where, "the record must begin with the installation of a charter")
    return installed


def _documents(place: Path) -> dict[str, str]:
    paths = sorted(place.iterdir())[:MAX_DOCUMENTS]
    return {path.name: path.read_bytes()[: MAX_DOCUMENT_BYTES + 1].decode() for path in paths}
