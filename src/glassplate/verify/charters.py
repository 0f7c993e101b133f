"""The charters: every version signed by the offices whose fingerprints the ordinance prints, and logged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.charter import verify_charter
from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError, ProofFailed
from glassplate.verify.folder import plain_files, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

MAX_DOCUMENT_BYTES = 1024 * 1024  # a charter with a thousand cameras has a third of it
MAX_VERSIONS = 500  # a new one each week for ten years
DOCUMENTS = ("root.json", "offices.json", "charter.json", "base.cedar", "overlay.cedar", "schema.cedarschema")
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PublishedCharter:
    """One verified version and the hash of its ``charter.json``."""

    charter: Charter
    sha256: str


def check_charters(
    public: Path, fingerprints: Mapping[str, str], result: Verification
) -> list[PublishedCharter]:
    """Verify every published version against the fingerprints; returns those that hold, ascending."""
    versions = published_versions(public)
    if not versions:
        result.find("charter", "no charter is published; without one nobody can say what was allowed")
    if len(versions) > MAX_VERSIONS:
        result.find(
            "charter", f"it has {len(versions):,} versions; only the newest {MAX_VERSIONS} are checked"
        )
    found = [
        charter
        for version in versions[-MAX_VERSIONS:]
        if (charter := _charter(public, version, fingerprints, result)) is not None
    ]
    if found:
        newest = found[-1].charter
        result.tell(
            f"Charter version {newest.version} of {newest.city} is signed by the three offices; "
            f"in force until {newest.expires_at:%Y-%m-%d}."
        )
    return found


def published_versions(public: Path) -> list[int]:
    """The versions that have a folder, ascending."""
    folder = public / "charter"
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(int(name) for name in names if _VERSION.fullmatch(name))


def _charter(
    public: Path, version: int, fingerprints: Mapping[str, str], result: Verification
) -> PublishedCharter | None:
    where = f"charter/{version}"
    try:
        documents = _documents(public, where)
        verified = verify_charter(
            documents, now=None, last_version=version - 1, trusted_fingerprints=fingerprints
        )
    except (GlassplateError, UnicodeDecodeError) as error:
        result.find(where, error)
        return None
    if verified.charter.version != version:
        result.find(where, f"it says version {verified.charter.version}")
        return None
    return PublishedCharter(verified.charter, sha256_hex(documents["charter.json"].encode()))


def _documents(public: Path, where: str) -> dict[str, str]:
    documents = {}
    for name in DOCUMENTS:
        try:
            documents[name] = read_file(public / where / name, MAX_DOCUMENT_BYTES).decode()
        except GlassplateError as error:
            raise type(error)(f"{name}: {error}") from None
        except UnicodeDecodeError:
            raise ProofFailed(f"{name}: it is not text in UTF-8") from None
    return documents


def check_policies(public: Path, charters: Sequence[PublishedCharter], result: Verification) -> None:
    """Every policy file lies under the hash it has, and every charter's policies are there."""
    present = set()
    for name in plain_files(public, "policy"):
        try:
            digest = sha256_hex(read_file(public / name, MAX_DOCUMENT_BYTES))
        except GlassplateError as error:
            result.find(name, error)
            continue
        if name != f"policy/{digest}":
            result.find(name, "its content does not have the hash in its name")
        present.add(name)
    for published in charters:
        for name in policy_names(published):
            if name not in present:
                result.find(name, f"charter version {published.charter.version} names it; it is missing")


def policy_names(published: PublishedCharter) -> tuple[str, ...]:
    """Where the policy files of a charter lie."""
    policy = published.charter.policy
    return tuple(
        f"policy/{digest}" for digest in (policy.base_sha256, policy.overlay_sha256, policy.schema_sha256)
    )


def check_installations(
    entries: Sequence[PublicEntry], charters: Sequence[PublishedCharter], result: Verification
) -> dict[int, Charter]:
    """Each installation entry names a published charter and the other way round; returns entry index → charter."""
    by_version = {str(published.charter.version): published for published in charters}
    installed: dict[int, Charter] = {}
    last = 0
    for entry in entries:
        if entry.entry_type != "charter-installed":
            continue
        published = by_version.get(entry.public.get("version", ""))
        if published is None or entry.public.get("charter_sha256") != published.sha256:
            result.find(entry.where, "the charter it names is not the one published under that version")
            continue
        if published.charter.version <= last:
            result.find(
                entry.where, f"it goes back from charter version {last} to {published.charter.version}"
            )
        last = published.charter.version
        installed[entry.index] = published.charter
    for version in sorted(int(v) for v in set(by_version) - {str(c.version) for c in installed.values()}):
        result.find(f"charter/{version}", "the record has no entry of its installation")
    if entries and entries[0].index not in installed:
        result.find(entries[0].where, "the record must begin with the installation of a charter")
    return installed
