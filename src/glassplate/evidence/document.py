"""``evidence.json``: what a package says of its reads and of the record, in one canonical document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import InputRefused

VERSION = 1
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024  # 100 reads, and the policy's questions word by word

Role = Literal["search", "search-outcome", "hold", "hold-outcome", "export", "epoch-closed"]
_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """One entry of the record. ``disclosures``: fields of its sealed half, each checkable against its leaf."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    index: int
    role: Role
    disclosures: list[str]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where the sealed original is counted: leaf ``leaf_index`` of ``size`` under the root of entry ``entry``."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    entry: int
    leaf_index: int
    size: int
    hashes: list[str]


@dataclass(frozen=True, slots=True)
class EvidenceRead:
    """One read, beside its files. ``sealed_sha256``: of what the camera's lane sealed."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    read_id: str
    camera_name: str
    epoch_id: str
    sealed_sha256: str
    has_scene: bool
    inclusion: Inclusion | None


@dataclass(frozen=True, slots=True)
class RecognizerFacts:
    """What is known of the recognizer that read: its networks by hash, and how often it errs."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    recognizer: str
    networks: list[str]
    error_rate: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is not in the pictures, in words; and how many pictures there are."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    crops: int
    scenes: int
    removed: list[str]
    remark: str


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """The whole. ``office_fingerprints``: as the vault knows them; the checker believes only those it was given."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    v: Literal[1]
    city: str
    agency_id: str
    agency: str
    case_number: str
    reason: str
    exported_at: str
    requester: str
    approvers: list[str]
    charter_version: int
    policy_sha256: str
    log_origin: str
    office_fingerprints: dict[str, str]
    entries: list[EvidenceEntry]
    reads: list[EvidenceRead]
    recognizers: list[RecognizerFacts]
    redaction: Redaction
    page_made_with: str
    """What wrote ``court.pdf``: with the same version a checker makes the same bytes again."""

    def to_json(self) -> bytes:
        """The file."""
        return canonical_json(TypeAdapter(EvidenceDocument).dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, data: bytes) -> EvidenceDocument:
        """Read it strictly: only what ``to_json`` would have written.

        Raises:
            InputRefused: saying what is wrong.
        """
        parse_json(data, limit=MAX_DOCUMENT_BYTES)  # refuses depth, duplicate keys and NaN
        try:
            document = TypeAdapter(cls).validate_json(data)
        except ValidationError as error:
            places = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
            raise InputRefused(
                f"evidence.json has other fields than version {VERSION} knows: {places[:5]}."
            ) from None
        if document.to_json() != data:
            raise InputRefused("evidence.json is not in canonical JSON.")
        return document
