"""The page for the court, as words: what the package is, who asked, what was read, what it proves and what not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.encoding import from_base64url, parse_json, sha256_hex
from glassplate.log.entry import MAX_DISCLOSURE_CHARACTERS
from glassplate.search_kinds import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.evidence.document import EvidenceDocument, EvidenceEntry
    from glassplate.records import KeptRead

DOUBT_BELOW = 0.8  # a character below this is named as doubtful
_ROLES = {
    "search": "The search was recorded before it ran",
    "search-outcome": "What the search showed was recorded",
    "hold": "The hold was recorded before anything was kept",
    "hold-outcome": "What the hold kept was recorded",
    "export": "This export was recorded before anything was handed out",
    "epoch-closed": "The reads of the day were counted and closed",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its paragraphs. ``read_ids``: whose pictures stand below it."""

    title: str
    paragraphs: tuple[str, ...]
    read_ids: tuple[str, ...] = ()


def disclosed(entry: EvidenceEntry) -> dict[str, Any]:
    """The fields that an entry's disclosures name. Nothing is checked here; ``verify`` holds them against the leaf."""
    fields = {}
    for text in entry.disclosures:
        _salt, name, value = parse_json(from_base64url(text), limit=MAX_DISCLOSURE_CHARACTERS)
        fields[name] = value
    return fields


def court_sections(document: EvidenceDocument, reads: Sequence[KeptRead]) -> list[Section]:
    """The whole page."""
    return [
        Section("What this is", _what(document, len(reads))),
        Section("Who asked, when and why", _who(document)),
        *(_read(kept) for kept in reads),
        Section("How often the machine is wrong", _errors(document)),
        Section("What was taken out of the pictures", _removed(document)),
        Section("What is proven", _proven(document)),
        Section("What is not proven", _not_proven()),
        Section("How to check this package", _check(document)),
    ]


def _what(document: EvidenceDocument, count: int) -> tuple[str, ...]:
    return (
        (
            f"This package holds {count} plate read{'' if count == 1 else 's'} that {document.agency} ({document.city}) "
            f"handed out for case {document.case_number} on {document.exported_at}. A read is what a camera's program took to "
            "be the characters of a plate, with the time, the place and a picture."
        ),
        (
            "A read says that a program saw these characters there and then. It does not say who drove, where the vehicle came "
            "from or went, or that anybody did anything. The characters must be compared with the picture by eye."
        ),
        f"Reason given: {document.reason}",
    )


def _who(document: EvidenceDocument) -> tuple[str, ...]:
    lines = [
        (
            f"Requested by account {document.requester}, approved by {' and '.join(document.approvers)}; nobody can approve an "
            "own request."
        )
    ]
    for entry in document.entries:
        fields = disclosed(entry)
        words = [f"{_ROLES[entry.role]}, as entry {entry.index:,} of the record {document.log_origin}"]
        if "at" in fields:
            words.append(f"at {fields['at']}")
        if "account_id" in fields:
            words.append(f"for account {fields['account_id']}")
        if "charter_version" in fields:
            words.append(
                f"under charter version {fields['charter_version']}, policy {fields['policy_sha256'][:12]}"
            )
        lines.append(", ".join(words) + "." + _asked(fields))
    return tuple(lines)


def _asked(fields: dict[str, Any]) -> str:
    if "plate" in fields:  # a search
        return (
            f" It asked for {in_words(fields)} from {fields['since']} to {fields['until']}, purpose "
            f"{fields['purpose']}, offense {fields['offense']}, case {fields['case_number']}."
        )
    if "authority" in fields:
        return f" Authority: {fields['authority']}. Kept until {fields['until']}."
    if "reads_shown" in fields:
        return f" It showed {fields['reads_shown']} reads."
    return ""


def _read(kept: KeptRead) -> Section:
    read = kept.read
    doubtful = [
        f"{character} at place {place} ({confidence:.0%})"
        for place, (character, confidence) in enumerate(
            zip(read.text, read.character_confidences, strict=True), start=1
        )
        if confidence < DOUBT_BELOW
    ]
    others = ", ".join(other.text for other in read.alternatives) or "none"
    paragraphs = (
        (
            f"Read at {kept.camera_name} (camera {read.camera_id}) on {read.captured_at:%Y-%m-%d at %H:%M:%S} UTC. State or "
            f"country: {read.region}."
        ),
        (
            f"Least sure character: {read.confidence:.0%}. Doubtful characters: {', '.join(doubtful) or 'none'}. Other "
            f"readings that the program considered: {others}."
        ),
        (
            f"Vehicle as the program saw it: {read.vehicle.body}, {read.vehicle.color}. Recognizer: {read.recognizer}. "
            f"Read id {read.read_id}."
        ),
    )
    return Section(f"Plate as read: {read.text}", paragraphs, (read.read_id,))


def _errors(document: EvidenceDocument) -> tuple[str, ...]:
    lines = [f"{facts.recognizer}: {facts.error_rate}" for facts in document.recognizers]
    return (
        *lines,
        "The hashes of the networks are in evidence.json. The charter names the recognizers that may be used.",
    )


def _removed(document: EvidenceDocument) -> tuple[str, ...]:
    redaction = document.redaction
    return (
        f"{redaction.crops} plate pictures and {redaction.scenes} vehicle pictures are in the package.",
        *redaction.removed,
        redaction.remark,
    )


def _proven(document: EvidenceDocument) -> tuple[str, ...]:
    counted = sum(read.inclusion is not None for read in document.reads)
    return (
        (
            "That nobody changed a byte of this package since the vault signed it with the key that the charter names; and "
            "that the charter is signed by the city's three offices, whose key fingerprints the ordinance prints."
        ),
        (
            "That search, approvals and export stand in the agency's public record, with the words shown here, and that the "
            "charter's rules allow them: anybody can decide them again with the policy in this package."
        ),
        (
            f"For {counted} of {len(document.reads)} reads: that the sealed original was counted when its day was closed, so "
            "that it was not made up afterwards. The others were exported before their day was closed, came late, or were held."
        ),
    )


def _not_proven() -> tuple[str, ...]:
    return (
        "That the picture shows what the world looked like: a camera's clock, its place and its honesty are the agency's word.",
        (
            "That the opened read is the one that was sealed: the sealed original can be opened by the vault alone, which "
            "signs for it, and only until its key is destroyed."
        ),
        "That the reason given was true, or that nobody kept a copy elsewhere.",
    )


def _check(document: EvidenceDocument) -> tuple[str, ...]:
    prints = "; ".join(f"{office} {value}" for office, value in sorted(document.office_fingerprints.items()))
    return (
        (
            "Install glassplate on any computer, offline, and type: glassplate verify PACKAGE.zip --root clerk=… "
            "--root chief=… --root auditor=…, with the fingerprints from the ordinance or the council's minutes, not from here."
        ),
        f"For comparison, the vault believes these: {prints}.",
        (
            "The record's entry export-outcome, written after this package was made, publishes the package's SHA-256. Compare "
            "it with: sha256sum PACKAGE.zip"
        ),
        f"Hash of the policy that decided: {document.policy_sha256}. Hash of evidence.json: {sha256_hex(document.to_json())}.",
    )
