"""What else is published must agree with the record: the epoch keys that lanes seal to, the report's numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from glassplate.encoding import parse_json, sha256_hex
from glassplate.errors import GlassplateError
from glassplate.log import open_note
from glassplate.seal.bundle import parse_bundle
from glassplate.verify.folder import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.log import VerifierKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.key_life import KeyLife
    from glassplate.verify.tree import PublicEntry

MAX_BYTES = 4 * 1024 * 1024  # ten years of daily keys in data.json have a third of it
MAX_KEY_BYTES = 4096
BUNDLE_NAME = "epoch-keys.note"
SITE_NAME = "site.note"
SITE_VERSION = "glassplate-site/v1"
PAGES = ("index.html", "verify.html", "data.json", "style.css")
_PAGE_NAME = re.compile(
    r"[a-z0-9][a-z0-9-]*\.[a-z0-9]+", re.ASCII
)  # beside the note, never in a folder of others


def check_publisher(public: Path, publisher: VerifierKey, result: Verification) -> None:
    """The key that signs what is published besides the log is the one that the charter names."""
    try:
        if read_file(public / "bundle.vkey", MAX_KEY_BYTES) != f"{publisher}\n".encode():
            result.find("bundle.vkey", "it is not the key that the signed charter names")
    except GlassplateError as error:
        result.find("bundle.vkey", error)


def check_bundle(
    public: Path, publisher: VerifierKey, agency_id: str, key_life: KeyLife, result: Verification
) -> None:
    """The signed list of epoch public keys names only living keys that the record created: same keys, same death."""
    try:
        note = read_file(public / BUNDLE_NAME, MAX_BYTES)
        bundle = parse_bundle(open_note(note, demand=publisher).text)
    except GlassplateError as error:
        result.find(BUNDLE_NAME, error)
        return
    if bundle.agency_id != agency_id:
        result.find(BUNDLE_NAME, f"it is of the agency {bundle.agency_id}; the charter's is {agency_id}")
    for listed in bundle.keys:
        for problem in key_life.problems_of(listed):
            result.find(BUNDLE_NAME, problem)


def check_site(public: Path, publisher: VerifierKey, result: Verification) -> set[str]:
    """Every page and number has the hash that the publisher's signed list gives it; returns the names in it."""
    try:
        version, *lines = open_note(read_file(public / SITE_NAME, MAX_BYTES), demand=publisher).text.split(
            "\n"
        )[:-1]
    except GlassplateError as error:
        result.find(SITE_NAME, error)
        return set(PAGES)
    if version != SITE_VERSION:
        result.find(SITE_NAME, f"it is of version {version!r}; this program reads {SITE_VERSION}")
        return set(PAGES)
    hashes = {name: digest for digest, _, name in (line.partition(" ") for line in lines)}
    for name in sorted({*hashes, *PAGES}):
        if name not in hashes:
            result.find(name, "the publisher's signed list does not name it")
            continue
        if not _PAGE_NAME.fullmatch(name):
            result.find(SITE_NAME, f"it lists {name!r}, which is no name of a page")
            continue
        try:
            if sha256_hex(read_file(public / name, MAX_BYTES)) != hashes[name]:
                result.find(name, "it is not the page that the publisher signed")
        except GlassplateError as error:
            result.find(name, error)
    return {*hashes, *PAGES}


def check_report(public: Path, entries: Sequence[PublicEntry], result: Verification) -> None:
    """The report's counts by entry type are those of the entries it says it covers."""
    try:
        report = parse_json(read_file(public / "data.json", MAX_BYTES), limit=MAX_BYTES)
        size = int(report["log_size"])
        said = {str(name): int(count) for name, count in report["entries_by_type"]}
    except (GlassplateError, KeyError, TypeError, ValueError, OverflowError) as error:
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
