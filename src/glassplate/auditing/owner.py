"""Was my plate searched? The auditor answers an identified owner, with proofs, up to a horizon that time alone sets.

    horizon = midnight (UTC) at or before (now minus the charter's embargo)

What was searched after the horizon is left out, whatever it was: an open case and no case at all make the same answer.
Within it, every search whose plate or pattern matches is told: its public hour, purpose and outcome. The exact time, the
officer and the case are not disclosed; neither is a pattern with wildcards, or a plate whose look-alikes were searched:
they speak of other plates, too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glassplate.charter.statements import open_statement, sign_statement
from glassplate.encoding import base64url, canonical_json, from_base64url
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log import TlogProof, check_disclosure, parse_leaf, verify_proof
from glassplate.plate_text import PlatePattern, normalize
from glassplate.search_kinds import concerns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from glassplate.auditing.bodies import OpenedEntry
    from glassplate.auditing.record import PublishedRecord
    from glassplate.charter import OfficePrivateKey
    from glassplate.log import VerifierKey

KIND = "owner-answer"
STEP = 1 << 18  # some forty searches with their proofs; the answer's length tells nothing below
CANNOT_KNOW = (
    "Nothing is said about searches after the horizon: neither that there were any, nor that there were none.",
    "Nothing is said about reads by cameras, hot lists and alerts; only searches by plate are covered.",
    "A search by the look of a vehicle or by camera and time names no plate and is not counted here.",
    "A copy of reads that was made outside of this system would leave no trace in its record.",
)
_SEARCH_FIELDS = ("purpose", "offense")


def answer_owner(
    record: PublishedRecord,
    opened: Mapping[int, OpenedEntry],
    plate: str,
    asked_index: int,
    now: datetime,
    key: OfficePrivateKey,
) -> dict[str, Any]:
    """A signed answer from a record that is opened without holes (``demand_opened``).

    ``asked_index``: the entry that records the asking. ``now``: aware time of the answer.

    Raises:
        UsageError: the record is not one that the offices' charter was checked for.
        ProofFailed: the record is older than the horizon, so that it cannot be complete up to it.
    """
    if record.charter is None:
        raise UsageError("The charter sets the embargo: give the offices' fingerprints with --root.")
    horizon = horizon_of(now, record.charter.disclosure_embargo_days)
    if record.entries[-1].at < horizon:
        raise ProofFailed("The published record ends before the horizon. Publish and pull again.")
    outcomes = {
        entry.fields["search_index"]: entry
        for entry in opened.values()
        if entry.entry.entry_type == "search-outcome"
    }
    told = [
        _told(record, entry, outcomes.get(entry.index))
        for entry in opened.values()
        if entry.entry.at < horizon and _concerns(entry, plate)
    ]
    plain = {
        "v": 1,
        "kind": KIND,
        "city": record.charter.city,
        "agency": record.charter.agency.id,
        "plate": normalize(plate),
        "asked_entry": asked_index,
        "answered_on": f"{now:%Y-%m-%d}",
        "searched_before": f"{horizon:%Y-%m-%dT%H:%M:%SZ}",
        "embargo_days": record.charter.disclosure_embargo_days,
        "checkpoint": record.note.decode(),
        "searches": told,
        "cannot_know": list(CANNOT_KNOW),
        "padding": "",
    }
    plain["padding"] = "0" * (-len(canonical_json(plain)) % STEP)
    return sign_statement(plain, key)


def horizon_of(now: datetime, embargo_days: int) -> datetime:
    """Up to when an answer speaks."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=embargo_days)


def check_answer(
    document: Any, log_key: VerifierKey, auditors: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """Check an answer offline: the auditor's signature, and every search in it against the record.

    ``auditors``: fingerprints of the auditor's office. Returns the statement and what it says, as sentences.

    Raises:
        InputRefused, ProofFailed: something in it does not hold.
    """
    plain = open_statement(document, KIND, auditors).plain
    try:
        note = plain["checkpoint"].encode()
        for search in plain["searches"]:
            _check_told(search, note, log_key, plain)
        return plain, sentences(plain)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputRefused(f"The answer is malformed ({type(error).__name__}).") from None


def sentences(plain: Mapping[str, Any]) -> list[str]:
    """What an answer says."""
    searches = plain["searches"]
    before = f"before {plain['searched_before']}"
    head = (
        f"Up to then the plate was searched {len(searches)} times:"
        if searches
        else "No search of the plate is recorded up to then, or none that may be told."
    )
    return [
        f"{plain['city']}, answer of {plain['answered_on']} about the plate {plain['plate']}, searches {before}.",
        head,
        *(
            f"  {s['hour']}: for {s['purpose']}, {s['outcome']}"
            + (" (among other plates)" if s["by_pattern"] else "")
            for s in searches
        ),
        *plain["cannot_know"],
    ]


def _concerns(entry: OpenedEntry, plate: str) -> bool:
    kind, fields = entry.entry.entry_type, entry.fields
    if kind != "search" and (kind != "refusal" or fields.get("action") != "search"):
        return False
    if fields.get("page_of") is not None:
        return False  # a further page of a search that is told already
    return concerns(fields, plate)


def _told(record: PublishedRecord, entry: OpenedEntry, outcome: OpenedEntry | None) -> dict[str, Any]:
    by_pattern = (
        entry.fields.get("kind") == "look_alike" or PlatePattern.parse(entry.fields["plate"]).has_wildcards
    )
    names = _SEARCH_FIELDS if by_pattern else (*_SEARCH_FIELDS, "plate")
    proofs = [_proof(record, entry, names)]
    if entry.entry.entry_type == "refusal":
        words = "refused"
    elif outcome is None:
        words = "no outcome recorded"
    else:
        words = str(outcome.fields["outcome"])
        proofs.append(_proof(record, outcome, ("search_index", "outcome")))
    return {
        "hour": entry.entry.public["time"],
        "purpose": entry.fields["purpose"],
        "offense": entry.fields["offense"],
        "outcome": words,
        "by_pattern": by_pattern,
        "proofs": proofs,
    }


def _proof(record: PublishedRecord, entry: OpenedEntry, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "index": entry.index,
        "leaf": base64url(entry.entry.leaf),
        "hashes": [base64url(value) for value in record.hashes(entry.index)],
        "disclosures": entry.disclose(*names),
    }


def _check_told(
    search: Mapping[str, Any], note: bytes, log_key: VerifierKey, plain: Mapping[str, Any]
) -> None:
    shown = [check_proof(proof, note, log_key) for proof in search["proofs"]]
    public, fields = shown[0]
    expected = {"hour": public["time"], "purpose": fields["purpose"], "offense": fields["offense"]}
    if any(search[name] != value for name, value in expected.items()):
        raise ProofFailed("The answer tells a search otherwise than the record does.")
    if not search["by_pattern"] and not PlatePattern.parse(str(fields["plate"])).matches(plain["plate"]):
        raise ProofFailed("The answer tells a search of another plate.")
    if public["type"] == "refusal":
        held = "refused"
    elif len(shown) == 1:
        held = "no outcome recorded"
    elif shown[1][1]["search_index"] == search["proofs"][0]["index"]:
        held = str(shown[1][1]["outcome"])
    else:
        raise ProofFailed("The answer's outcome is that of another search.")
    if public["type"] not in ("search", "refusal") or search["outcome"] != held:
        raise ProofFailed("The answer tells another outcome than the record does.")


def check_proof(
    proof: Mapping[str, Any], note: bytes, log_key: VerifierKey
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The public half and the disclosed fields of one proven entry.

    Raises:
        ProofFailed, InputRefused: the entry is not in the record, or does not commit to a field.
    """
    leaf = from_base64url(proof["leaf"])
    hashes = tuple(from_base64url(text) for text in proof["hashes"])
    verify_proof(TlogProof(int(proof["index"]), hashes, note).to_bytes(), log_key, leaf)
    fields = dict(check_disclosure(leaf, text) for text in proof["disclosures"])
    return dict(parse_leaf(leaf).public), fields
