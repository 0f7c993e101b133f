"""The charter in plain sentences, and the difference between two charters, for the people who sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.charter.vocabulary import FEATURES, HOTLIST_CATEGORIES, USUALLY_PROHIBITED
from glassplate.records import LONGEST_HOURS, MOST_CAMERAS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from glassplate.charter.document import Charter, CharterWitness, Feature, Grant
    from glassplate.records import SearchKind

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1440
SHOWN_HASH_DIGITS = 12

Topic = tuple[str, list[str]]
_WITHOUT_PLATE: tuple[tuple[SearchKind, str, str], ...] = (
    ("vehicle", "by the look of a vehicle", "a supervisor's approval"),
    ("camera_window", "for everything that some cameras read", "a warrant and a supervisor's approval"),
)


def explain(charter: Charter) -> list[str]:
    """The whole charter, one fact a sentence."""
    return [sentence for _topic, sentences in _topics(charter) for sentence in sentences]


def explain_difference(old: Charter, new: Charter) -> list[str]:
    """What ``new`` says differently, topic by topic; "No longer:" and "New:" before each sentence."""
    before, after = dict(_topics(old)), dict(_topics(new))
    difference: list[str] = []
    for topic, sentences in after.items():
        previous = before.get(topic, [])
        difference += [f"No longer: {sentence}" for sentence in previous if sentence not in sentences]
        difference += [f"New: {sentence}" for sentence in sentences if sentence not in previous]
    return difference or ["Nothing differs."]


def grant_sentence(grant: Grant) -> str:
    """One sharing grant as a sentence."""
    state = "revoked" if grant.revoked else f"from {_day(grant.not_before)} to {_day(grant.expires_at)}"
    return f"{grant.agency_id}, for {_list(grant.purposes)}, {state}"


def duration_words(minutes: int) -> str:
    """Minutes as people say them."""
    for size, unit in ((MINUTES_PER_DAY, "day"), (MINUTES_PER_HOUR, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count:,} {unit}" + ("" if count == 1 else "s")
    raise AssertionError  # pragma: no cover - every number divides by one


def _topics(charter: Charter) -> list[Topic]:
    describers: dict[str, Callable[[Charter], list[str]]] = {
        "authority": _authority,
        "retention": _retention,
        "cameras": _cameras,
        "purposes": _purposes,
        "offenses": _offenses,
        "uses": _uses,
        "features": _features,
        "hot lists": _hotlists,
        "sharing": _sharing,
        "limits": _limits,
        "record": _record,
        "policy": _policy,
        "other": _other,
    }
    return [(topic, describe(charter)) for topic, describe in describers.items()]


def _authority(charter: Charter) -> list[str]:
    marks = {
        "demo": "This is a demo charter: weak sign-in, software keys and accounts made by one administrator alone are allowed, "
        "real use is not.",
        "trial": "This is a trial charter: software keys are allowed.",
        "production": "This is a production charter.",
    }
    return [
        f"Charter version {charter.version} of {charter.city}.",
        f"It authorizes {charter.agency.name} ({charter.agency.id}) to read license plates.",
        f"The authorization starts on {_moment(charter.not_before)}.",
        f"The authorization ends on {_moment(charter.expires_at)}.",
        "Capture and search stop by themselves then.",
        marks[charter.mark],
    ]


def _retention(charter: Charter) -> list[str]:
    sentences = [
        f"No read is older than {duration_words(charter.retention_minutes)}, except under a recorded hold.",
        f"Each key lives for {duration_words(charter.epoch_minutes)} of reads and is destroyed as a whole.",
    ]
    if charter.retention_floor_minutes:
        sentences.append(
            f"Every read is kept for at least {duration_words(charter.retention_floor_minutes)}."
        )
    return sentences


def _cameras(charter: Charter) -> list[str]:
    if not charter.cameras:
        return ["No camera may deliver reads."]
    return [
        f"The camera {camera.name} ({camera.id}, key {_short(camera.public_key)}) may deliver reads."
        for camera in charter.cameras
    ]


def _purposes(charter: Charter) -> list[str]:
    return [f"A search may be for: {p.label} ({p.id}; {p.clause})." for p in charter.purposes]


def _offenses(charter: Charter) -> list[str]:
    return [
        f"The offense {o.label} ({o.id}) may be searched for {_list(o.purposes)}." for o in charter.offenses
    ]


def _uses(charter: Charter) -> list[str]:
    sentences = []
    for use in charter.declared_uses:
        if use.prohibited:
            sentences.append(f"Prohibited: {use.label} ({use.id}).")
        elif use.id in USUALLY_PROHIBITED:
            sentences.append(f"ALLOWED, though most charters prohibit it: {use.label} ({use.id}).")
        else:
            sentences.append(f"Allowed: {use.label} ({use.id}).")
    return sentences


def _features(charter: Charter) -> list[str]:
    return [_feature(name, what, charter.feature(name)) for name, what in FEATURES.items()]


def _feature(name: str, what: str, feature: Feature | None) -> str:
    if feature is None or not feature.approved:
        return f"Not approved: {what} ({name})."
    return f"Approved from {_day(feature.not_before)} to {_day(feature.expires_at)}: {what} ({name})."


def _hotlists(charter: Charter) -> list[str]:
    armed = charter.hotlist_categories
    sentences = [f"Hot lists may hold {HOTLIST_CATEGORIES[category]} ({category})." for category in armed]
    if not armed:
        sentences.append("No hot list may be armed.")
    if charter.alert_on_unknown_region:
        sentences.append(
            "A match waits silently for the eye when the plate's state could not be read for certain."
        )
    else:
        sentences.append("A match is dropped when the plate's state could not be read for certain.")
    if charter.alert_on_near_match:
        sentences.append(
            "A wanted plate that the camera may have misread raises a silent alert, which waits for a person's eye."
        )
    else:
        sentences.append(
            "Only the plate as it was read raises an alert; a plate that merely looks alike does not."
        )
    return sentences


def _sharing(charter: Charter) -> list[str]:
    if not charter.grants:
        return ["Sharing is closed: no other agency is answered."]
    return [f"Sharing: {grant_sentence(grant)}." for grant in charter.grants]


def _limits(charter: Charter) -> list[str]:
    approval_life = duration_words(charter.approval_hours * MINUTES_PER_HOUR)
    return [
        f"One person may search {charter.searches_per_hour} times an hour.",
        f"One search may span {charter.max_search_days} days at most.",
        *_without_plate(),
        f"An approval ends {approval_life} after it was asked for.",
        f"A case number looks like {charter.case_number_example} (pattern {charter.case_number_pattern}).",
        f"An owner who asks is told of searches that are {charter.disclosure_embargo_days} days old or older.",
    ]


def _without_plate() -> list[str]:
    """The base policy's own limits, whatever the charter approves."""
    return [
        f"A search {what} names 1 to {MOST_CAMERAS[kind]} cameras, spans {duration_words(LONGEST_HOURS[kind] * 60)} at most "
        f"and needs {needs}."
        for kind, what, needs in _WITHOUT_PLATE
    ]


def _record(charter: Charter) -> list[str]:
    promised = {
        "L1": "durably recorded",
        "L2": "in a signed checkpoint of the log",
        "L3": "in a checkpoint that the witnesses cosigned",
    }[charter.answer_level]
    recognizers = [f"Plates are read by {recognizer}." for recognizer in charter.recognizers]
    return [
        f"Nothing is answered before the search is {promised}.",
        f"The log is {charter.origin}, with the key {charter.log_vkey}.",
        f"It is published every {charter.publication_interval_seconds} seconds.",
        *_witnesses(charter),
        f"Lists of sealing keys are signed by {charter.bundle_vkey}.",
        *(
            f"The auditor key {k.id} ({_short(k.hpke_public_key)}) opens the record."
            for k in charter.auditor_keys
        ),
        *(recognizers or ["No recognizer is named, so no read is accepted."]),
        *_builds(charter),
    ]


def _builds(charter: Charter) -> list[str]:
    if not charter.builds:
        return [
            "No software is approved by name: what runs when the charter is installed counts as approved."
        ]
    return [
        f"The approved software has the SHA-256 {build}; another one is told at each start."
        for build in charter.builds
    ]


def _witnesses(charter: Charter) -> list[str]:
    nobody = ["Nobody but auditors would notice a second record that is shown to others."]
    return [
        f"{charter.witness_quorum} of {len(charter.witnesses)} witnesses outside the city must cosign it.",
        *([f"A witness: {_witness_name(witness)}." for witness in charter.witnesses] or nobody),
    ]


def _witness_name(witness: CharterWitness) -> str:
    name, key_id, key = witness.vkey.split("+", 2)
    return f"{name} at {witness.url} (key {key_id}, {_short(key)})"


def _policy(charter: Charter) -> list[str]:
    hashes = charter.policy
    return [
        f"The base rules are the file with SHA-256 {hashes.base_sha256}.",
        f"The city's own prohibitions are the file with SHA-256 {hashes.overlay_sha256}.",
        f"The schema is the file with SHA-256 {hashes.schema_sha256}.",
    ]


def _other(charter: Charter) -> list[str]:
    return [f"A note without effect, {name}: {text}" for name, text in charter.extensions]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _short(text: str) -> str:
    return f"{text[:SHOWN_HASH_DIGITS]}…"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
