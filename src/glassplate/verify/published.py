"""What else is published must agree with the record: the epoch keys that lanes seal to, the report's numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from glassplate.encoding import parse_json, sha256_hex
from glassplate.errors import GlassplateError
from glassplate.log import VerifierKey, open_note
from glassplate.seal.bundle import parse_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.verify.charters import PublishedCharter
    from glassplate.verify.findings import Verification
    from glassplate.verify.key_life import KeyLife
    from glassplate.verify.tree import PublicEntry

MAX_BYTES = 4 * 1024 * 1024


def check_bundle(
    public: Path, charters: Sequence[PublishedCharter], key_life: KeyLife, result: Verification
) -> None:
    """The signed list of epoch public keys names only epochs whose keys the record created, with the same death."""
    try:
        note = (public / "epoch-keys.note").read_bytes()[:MAX_BYTES]
        key = VerifierKey.parse(charters[-1].charter.bundle_vkey)
        bundle = parse_bundle(open_note(note, demand=key).text)
    except OSError as error:
        result.find("epoch-keys.note", f"it cannot be read ({error.strerror})")
        return
    except GlassplateError as error:
        result.find("epoch-keys.note", error)
        return
    for listed in bundle.keys:
        if key_life.destroy_at(listed.epoch_id) != listed.destroy_at:
            result.find(
                "epoch-keys.note",
                f"it lists a key for {listed.epoch_id} that the record did not create with this death",
            )


def check_site(public: Path, charters: Sequence[PublishedCharter], result: Verification) -> None:
    """Every page and number has the hash that the publisher's signed list gives it."""
    try:
        note = (public / "site.note").read_bytes()[:MAX_BYTES]
        key = VerifierKey.parse(charters[-1].charter.bundle_vkey)
        version, *lines = open_note(note, demand=key).text.splitlines()
    except OSError as error:
        result.find("site.note", f"it cannot be read ({error.strerror})")
        return
    except (GlassplateError, ValueError) as error:
        result.find("site.note", error)
        return
    if version != "glassplate-site/v1":
        result.find("site.note", f"it is of version {version!r}; this program reads glassplate-site/v1")
        return
    for line in lines:
        digest, _, name = line.partition(" ")
        path = public / name
        if (
            ".." in name
            or name.startswith("/")
            or not path.is_file()
            or sha256_hex(path.read_bytes()) != digest
        ):
            result.find(name, "it is not the page that the publisher signed")


def check_report(public: Path, entries: Sequence[PublicEntry], result: Verification) -> None:
    """The report's counts by entry type are those of the entries it says it covers."""
    try:
        report = parse_json((public / "data.json").read_bytes(), limit=MAX_BYTES)
        size = int(report["log_size"])
        said = {str(name): int(count) for name, count in report["entries_by_type"]}
    except OSError as error:
        result.find("data.json", f"it cannot be read ({error.strerror})")
        return
    except (GlassplateError, KeyError, TypeError, ValueError) as error:
        result.find("data.json", f"it is not a report of format 1 ({error})")
        return
    counted = Counter(entry.entry_type for entry in entries if entry.index < size)
    if size > len(entries):
        result.find("data.json", f"it speaks of {size} entries; the record has {len(entries)}")
    for name in sorted(said.keys() | counted.keys()):
        if said.get(name, 0) != counted.get(name, 0):
            result.find(
                "data.json",
                f"it counts {said.get(name, 0)} entries of type {name}; the record has {counted.get(name, 0)}",
            )
