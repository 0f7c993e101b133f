"""The charter: what the governing body signed, as frozen dataclasses with one strict reader and one writer.

``Charter.from_json(charter.to_json()) == charter``, and writing it again gives the same bytes, unknown ones
too. The format is ``docs/formats/charter.md`` §2; the rules between fields are in ``rules.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from glassplate.charter import rules
from glassplate.charter.explain import explain, grant_sentence
from glassplate.charter.fields import NAME, SHA256, TIME_FORMAT, WORD, Fields
from glassplate.charter.vocabulary import MARKS, Mark
from glassplate.encoding import canonical_json, parse_json, sha256_hex
from glassplate.records import CharterSummary

MAX_CHARTER_BYTES = 1_048_576  # 2,000 cameras with long names fill a quarter of it


@dataclass(frozen=True, slots=True)
class Agency:
    """The one agency this deployment serves."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AuditorKey:
    """Every entry's body is sealed to each of these; the private halves never touch the server."""

    id: str
    hpke_public_key: str


@dataclass(frozen=True, slots=True)
class CharterCamera:
    """A camera whose reads are accepted."""

    id: str
    name: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a search may be for, and the clause that says so."""

    id: str
    label: str
    clause: str


@dataclass(frozen=True, slots=True)
class Offense:
    """A kind of case, with the purposes it may be searched under."""

    id: str
    label: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeclaredUse:
    """What the officer declares the answer is for; prohibited ones are listed to be refused by name."""

    id: str
    label: str
    prohibited: bool


@dataclass(frozen=True, slots=True)
class Feature:
    """A capability, off unless approved and within its dates."""

    name: str
    approved: bool
    not_before: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to answer one other agency, for some purposes, for some time."""

    agency_id: str
    purposes: tuple[str, ...]
    not_before: datetime
    expires_at: datetime
    revoked: bool


@dataclass(frozen=True, slots=True)
class PolicyHashes:
    """SHA-256 of the three policy files."""

    base_sha256: str
    overlay_sha256: str
    schema_sha256: str

    @property
    def sha256(self) -> str:
        """One hash for all three, as it stands in receipts."""
        return sha256_hex(canonical_json(_plain(self)))


@dataclass(frozen=True, slots=True)
class CharterWitness:
    """Somebody outside who cosigns the log: its verifier key (C2SP tlog-cosignature) and the address to ask."""

    vkey: str
    url: str


@dataclass(frozen=True, slots=True)
class Charter:
    """Everything the governing body decided."""

    version: int
    mark: Mark
    city: str
    agency: Agency
    not_before: datetime
    expires_at: datetime
    retention_minutes: int
    retention_floor_minutes: int
    epoch_minutes: int
    publication_interval_seconds: int
    answer_level: str
    origin: str
    log_vkey: str
    bundle_vkey: str
    witnesses: tuple[CharterWitness, ...]
    witness_quorum: int
    auditor_keys: tuple[AuditorKey, ...]
    recognizers: tuple[str, ...]
    builds: tuple[str, ...]
    """SHA-256 of the software that may run; none named: whatever ran when the charter was installed."""
    cameras: tuple[CharterCamera, ...]
    purposes: tuple[Purpose, ...]
    offenses: tuple[Offense, ...]
    declared_uses: tuple[DeclaredUse, ...]
    case_number_pattern: str
    case_number_example: str
    features: tuple[Feature, ...]
    hotlist_categories: tuple[str, ...]
    alert_on_unknown_region: bool
    alert_on_near_match: bool
    disclosure_embargo_days: int
    grants: tuple[Grant, ...]
    searches_per_hour: int
    max_search_days: int
    approval_hours: int
    policy: PolicyHashes
    extensions: tuple[tuple[str, str], ...] = ()
    """(name, canonical JSON) of ``x-`` fields, kept but without effect."""

    @classmethod
    def from_json(cls, data: str | bytes) -> Charter:
        """Read a charter strictly: draft or signed.

        Raises:
            InputRefused: naming the field and what it must be.
        """
        raw = data.encode() if isinstance(data, str) else data
        return cls.from_plain(parse_json(raw, limit=MAX_CHARTER_BYTES))

    @classmethod
    def from_plain(cls, value: Any) -> Charter:
        """Read a charter from parsed JSON; the same refusals as ``from_json``."""
        reader = Fields(value, "charter")
        extensions = {name: canonical_json(extra) for name, extra in reader.extensions().items()}
        rules.refuse_floats(value)
        charter = _read(reader, tuple(sorted((name, text.decode()) for name, text in extensions.items())))
        reader.finish()
        rules.check(charter)
        return charter

    def to_plain(self) -> dict[str, Any]:
        """As JSON values."""
        result = cast("dict[str, Any]", _plain(self))
        del result["extensions"]
        for name, text in self.extensions:
            result[name] = parse_json(text.encode(), limit=MAX_CHARTER_BYTES)
        return result

    def to_json(self) -> str:
        """As canonical JSON (``docs/formats.md`` §1)."""
        return canonical_json(self.to_plain()).decode()

    def feature(self, name: str) -> Feature | None:
        """The feature's approval, or None when the charter does not mention it."""
        return next((feature for feature in self.features if feature.name == name), None)

    def grant_for(self, agency_id: str) -> Grant | None:
        """The grant of another agency, whatever its dates."""
        return next((grant for grant in self.grants if grant.agency_id == agency_id), None)

    def explain(self) -> list[str]:
        """The charter in plain sentences, for the people who sign it."""
        return explain(self)

    def summary(self, signed_by: tuple[tuple[str, str], ...]) -> CharterSummary:
        """The charter in short, with (office, fingerprint) of those who signed it."""
        return CharterSummary(
            version=self.version,
            city=self.city,
            agency=self.agency.name,
            mark=self.mark,
            not_before=self.not_before,
            expires_at=self.expires_at,
            retention_minutes=self.retention_minutes,
            epoch_minutes=self.epoch_minutes,
            publication_interval_seconds=self.publication_interval_seconds,
            purposes=tuple((purpose.id, purpose.label) for purpose in self.purposes),
            offenses=tuple((offense.id, offense.label) for offense in self.offenses),
            declared_uses=tuple((use.id, use.label, use.prohibited) for use in self.declared_uses),
            features=tuple((feature.name, feature.approved) for feature in self.features),
            cameras=tuple((camera.id, camera.name) for camera in self.cameras),
            recognizers=tuple(self.recognizers),
            hotlist_categories=self.hotlist_categories,
            grants=tuple(grant_sentence(grant) for grant in self.grants),
            case_number_example=self.case_number_example,
            signed_by=signed_by,
            policy_sha256=self.policy.sha256,
            alert_on_near_match=self.alert_on_near_match,
        )


def _read(reader: Fields, extensions: tuple[tuple[str, str], ...]) -> Charter:
    return Charter(
        version=reader.whole("version", 1, rules.MAX_VERSION),
        mark=cast("Mark", reader.choice("mark", MARKS)),
        city=reader.text("city"),
        agency=reader.object("agency", lambda f: Agency(f.text("id", pattern=NAME), f.text("name"))),
        not_before=reader.time("not_before"),
        expires_at=reader.time("expires_at"),
        retention_minutes=reader.whole(
            "retention_minutes", rules.MIN_RETENTION_MINUTES, rules.MAX_RETENTION_MINUTES
        ),
        retention_floor_minutes=reader.whole("retention_floor_minutes", 0, rules.MAX_RETENTION_MINUTES),
        epoch_minutes=reader.whole("epoch_minutes", 1, rules.MAX_EPOCH_MINUTES),
        publication_interval_seconds=reader.whole(
            "publication_interval_seconds", 1, rules.MAX_PUBLICATION_SECONDS
        ),
        answer_level=reader.choice("answer_level", rules.ANSWER_LEVELS),
        origin=reader.text("origin"),
        log_vkey=reader.text("log_vkey"),
        bundle_vkey=reader.text("bundle_vkey"),
        witnesses=reader.objects(
            "witnesses",
            lambda f: CharterWitness(f.text("vkey", limit=rules.MAX_WITNESS_KEY), f.text("url")),
            key="vkey",
            most=rules.MAX_WITNESSES,
        ),
        witness_quorum=reader.whole("witness_quorum", 0, rules.MAX_WITNESSES),
        auditor_keys=reader.objects(
            "auditor_keys",
            lambda f: AuditorKey(f.text("id", pattern=NAME), f.text("hpke_public_key")),
            key="id",
            least=rules.MIN_AUDITOR_KEYS,
            most=rules.MAX_AUDITOR_KEYS,
        ),
        recognizers=reader.names("recognizers", pattern=None, most=rules.MAX_RECOGNIZERS),
        builds=reader.names("builds", pattern=SHA256, most=rules.MAX_BUILDS),
        cameras=reader.objects(
            "cameras",
            lambda f: CharterCamera(f.text("id", pattern=NAME), f.text("name"), f.text("public_key")),
            key="id",
            most=rules.MAX_CAMERAS,
        ),
        purposes=reader.objects(
            "purposes",
            lambda f: Purpose(f.text("id", pattern=WORD), f.text("label"), f.text("clause")),
            key="id",
            least=1,
            most=rules.MAX_WORDS,
        ),
        offenses=reader.objects("offenses", _offense, key="id", least=1, most=rules.MAX_WORDS),
        declared_uses=reader.objects(
            "declared_uses",
            lambda f: DeclaredUse(f.text("id", pattern=WORD), f.text("label"), f.truth("prohibited")),
            key="id",
            most=rules.MAX_WORDS,
        ),
        case_number_pattern=reader.text("case_number_pattern"),
        case_number_example=reader.text("case_number_example"),
        features=reader.objects(
            "features",
            lambda f: Feature(
                f.text("name", pattern=WORD), f.truth("approved"), f.time("not_before"), f.time("expires_at")
            ),
            key="name",
            most=rules.MAX_WORDS,
        ),
        hotlist_categories=reader.names("hotlist_categories", most=rules.MAX_WORDS),
        alert_on_unknown_region=reader.truth("alert_on_unknown_region"),
        alert_on_near_match=reader.truth("alert_on_near_match"),
        disclosure_embargo_days=reader.whole("disclosure_embargo_days", 0, rules.MAX_EMBARGO_DAYS),
        grants=reader.objects("grants", _grant, key="agency_id", most=rules.MAX_WORDS),
        searches_per_hour=reader.whole("searches_per_hour", 1, rules.MAX_SEARCHES_PER_HOUR),
        max_search_days=reader.whole("max_search_days", 1, rules.MAX_SEARCH_DAYS),
        approval_hours=reader.whole("approval_hours", 1, rules.MAX_APPROVAL_HOURS),
        policy=reader.object(
            "policy",
            lambda f: PolicyHashes(
                f.text("base_sha256", pattern=SHA256),
                f.text("overlay_sha256", pattern=SHA256),
                f.text("schema_sha256", pattern=SHA256),
            ),
        ),
        extensions=extensions,
    )


def _offense(f: Fields) -> Offense:
    purposes_limit = rules.MAX_WORDS
    return Offense(
        f.text("id", pattern=WORD), f.text("label"), f.names("purposes", least=1, most=purposes_limit)
    )


def _grant(f: Fields) -> Grant:
    return Grant(
        agency_id=f.text("agency_id", pattern=NAME),
        purposes=f.names("purposes", least=1, most=rules.MAX_WORDS),
        not_before=f.time("not_before"),
        expires_at=f.time("expires_at"),
        revoked=f.truth("revoked"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime(TIME_FORMAT)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
