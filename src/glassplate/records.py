"""The nouns: frozen dataclasses, no I/O in them.

Times are timezone-aware UTC ``datetime``; durations say their unit in the name. Anything that could name a vehicle
or a person is left out of ``repr``, so that it cannot reach a log or a traceback by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - resolved at run time by pydantic at the edges
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

SignInMethod = Literal["passkey", "demo authenticator", "one-time link"]
Role = Literal["officer", "supervisor", "auditor", "records", "administrator", "council"]
FrameBox = tuple[int, int, int, int]
"""x, y, width, height in pixels of the frame."""

AuditVerdict = Literal["ok", "question", "violation"]

UNKNOWN = "unknown"
MAX_FINDING_ITEMS = 100  # a finding must fit one call to the vault; more make several findings
BYTES_AS_BASE64 = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}
"""Pydantic's setting for records whose bytes cross the socket as JSON."""


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the same plate, kept beside the first."""

    text: str = field(repr=False)
    confidence: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What was seen of the vehicle; ``unknown`` with confidence 0 where nothing honest can be said.

    ``second_color``: the next likeliest. Light turns white into silver, so four in five colors are among these two.
    """

    body: str = UNKNOWN
    body_confidence: float = 0.0
    color: str = UNKNOWN
    color_confidence: float = 0.0
    second_color: str = UNKNOWN
    second_color_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One reading of one plate, as the recognizer saw it. Nothing here is ever rewritten.

    ``read_id``: 32 hexadecimal digits, the same when the same frame is read again by the same camera.
    ``text``: A–Z and 0–9 as read. ``character_confidences``: one value in 0–1 for each character of ``text``.
    """

    read_id: str
    text: str = field(repr=False)
    character_confidences: tuple[float, ...]
    camera_id: str
    captured_at: datetime
    recognizer: str
    box: FrameBox
    alternatives: tuple[Alternative, ...] = ()
    region: str = UNKNOWN
    region_confidence: float = 0.0
    vehicle: Vehicle = Vehicle()

    @property
    def confidence(self) -> float:
        """The least sure character decides."""
        return min(self.character_confidences, default=0.0)


# --- sealed ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EpochPublicKey:
    """What a lane needs to seal for one epoch. Public keys are uncompressed P-256 points, base64url."""

    epoch_id: str
    starts_at: datetime
    ends_at: datetime
    destroy_at: datetime
    read_key: str
    image_key: str


@dataclass(frozen=True, slots=True)
class SealedRead:
    """One read and its plate crop as they leave the lane: only the vault opens ``read``; the crop stays sealed."""

    __pydantic_config__ = BYTES_AS_BASE64

    read_id: str
    epoch_id: str
    captured_at: datetime
    read: bytes = field(repr=False)
    crop: bytes = field(repr=False)
    scene: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What the vault did with a batch; the outbox may delete everything that is named here."""

    accepted: tuple[str, ...]
    duplicate: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    """(read id, reason) of reads that can never be accepted, such as one for a destroyed epoch."""


# --- people and authority -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in."""

    account_id: str
    display_name: str
    roles: tuple[Role, ...]
    active: bool
    training_valid_until: datetime | None
    passkeys: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person, as shown to that person. The token itself is never part of it."""

    account: Account
    expires_at: datetime
    sign_in_method: SignInMethod


@dataclass(frozen=True, slots=True)
class InvitedAccount:
    """A new account and the one-time invitation to register its first passkey.

    ``second_part_of``: the request under which the account was approved; whoever approved it hands out the second part,
    without which ``invitation`` opens nothing. None: the invitation is whole.
    """

    account: Account
    invitation: str = field(repr=False)
    second_part_of: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The log's promise that an act was recorded before it ran.

    ``promise`` is a signed note at level L1; ``proof`` is a ``.tlog-proof`` once a signed checkpoint covers the entry.
    """

    entry_index: int
    entry_hash: str
    recorded_at: datetime
    level: Literal["L1", "L2", "L3"]
    promise: str = field(repr=False)
    proof: str | None = field(repr=False, default=None)


# --- second persons -----------------------------------------------------------------------------------------------

ApprovalState = Literal["waiting", "approved", "refused", "used", "expired"]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """Something that needs a second person. ``words``: exactly what was asked; empty in lists.

    ``approved``: at least one person has approved; whether that is enough, the policy says when it is used.
    """

    request_id: str
    action: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState
    request_sha256: str
    decided_by: tuple[tuple[str, bool], ...] = ()
    """(account id, approved)."""
    words: dict[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackupState:
    """How far the vault's backup has come. ``made``: what it told at its end; ``problem``: why there is none, of ``kind``."""

    is_running: bool
    doing: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    made: dict[str, Any] | None = None
    problem: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the vault believes of the clock. ``needs_confirmation``: keys that only the jump calls due are kept."""

    acts_at: datetime
    """Entries, searches and capture go by it."""
    certain_at: datetime
    """Keys die by it."""
    clock_at: datetime
    """What the machine's clock shows."""
    minutes_ahead: int
    """How far the clock is ahead of what is certain, where that is a jump."""
    needs_confirmation: bool


@dataclass(frozen=True, slots=True)
class ActSignature:
    """A passkey's answer to the challenge of one act, as WebAuthn's JSON has it, and the origin of the page that asked."""

    assertion: dict[str, Any] = field(repr=False)
    origin: str


# --- search -----------------------------------------------------------------------------------------------------


SearchKind = Literal["exact", "look_alike", "wildcard", "vehicle", "camera_window"]
"""One whole plate; the plates that it is easily misread for; a plate of which a part is known; the look of a vehicle at
chosen cameras; everything that chosen cameras read."""
VEHICLE_BODIES = ("car", "truck", "bus", "motorcycle", "bicycle")
VEHICLE_COLORS = ("white", "silver or gray", "black", "red", "green", "blue", "yellow or beige")
"""What recognizers call them; nothing else can be asked for."""
MOST_CAMERAS: dict[SearchKind, int] = {"vehicle": 20, "camera_window": 4}
LONGEST_HOURS: dict[SearchKind, int] = {"vehicle": 7 * 24, "camera_window": 24}
"""As the base policy says (``base.cedar``); a city's overlay may say less."""


def wanted_vehicle(bodies: Sequence[str], colors: Sequence[str]) -> str:
    """The look that is asked for, in words: "a car or truck, white"."""
    look = f"a {' or '.join(bodies) or 'vehicle'}"
    return f"{look}, {' or '.join(colors)}" if colors else look


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What an officer asks; ``search_kinds`` says which parts a kind needs, and which it does not take.

    ``plate``: empty for a vehicle or a camera's window; in a wildcard search it holds ``?`` (one character) and ``*``
    (any number). ``camera_ids``: none means all, where the kind allows it. ``limit``: reads on one page.
    """

    plate: str = field(repr=False)
    purpose: str
    offense: str
    case_number: str
    since: datetime
    until: datetime
    camera_ids: tuple[str, ...] = ()
    declared_use: str = "own_case"
    on_behalf_of: str | None = None
    kind: SearchKind = "exact"
    bodies: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    limit: int = 100
    warrant: str = ""


@dataclass(frozen=True, slots=True)
class FoundRead:
    """A read that the gate opened for one recorded search, with its plate crop (JPEG)."""

    __pydantic_config__ = BYTES_AS_BASE64

    read: PlateRead
    camera_name: str
    destroyed_at: datetime
    crop_jpeg: bytes = field(repr=False)
    has_scene: bool = False
    """Whether a redacted scene image was kept beside the crop."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of an answer; the receipt comes first because it is the condition for the rest.

    ``truncated``: there are more reads, on the page after this one. It is asked for by the receipt's entry index.
    """

    receipt: Receipt
    policy_version: str
    request: SearchRequest
    reads: tuple[FoundRead, ...]
    truncated: bool
    searched_since: datetime
    searched_until: datetime
    unserved: tuple[tuple[str, str], ...] = ()
    """(epoch id, reason) of days that could not be searched: the answer lacks their reads."""
    page: int = 1


@dataclass(frozen=True, slots=True)
class PastSearch:
    """One line of "my searches". ``asked``: the plate, or what was asked for instead, in words."""

    entry_index: int
    searched_at: datetime
    asked: str = field(repr=False)
    purpose: str
    offense: str
    case_number: str
    outcome: str
    reads_shown: int


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """What an auditor asks about one of the person's own searches, and the newest reply."""

    finding_index: int
    search_index: int
    asked_at: datetime
    searched_at: datetime
    asked: str = field(repr=False)
    purpose: str
    case_number: str
    question: str = field(repr=False)
    reply: str | None = field(repr=False)


# --- hot lists and alerts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HotlistEntry:
    """A wanted plate with its authority and its end."""

    entry_id: str
    plate: str = field(repr=False)
    region: str
    category: str
    authority: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HotlistPage:
    """Some armed entries, by plate. ``armed``: how many there are in all. ``next``: where to go on; empty at the end."""

    entries: tuple[HotlistEntry, ...]
    armed: int
    next: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class HotlistImport:
    """What became of an uploaded list."""

    receipt: Receipt
    armed: int
    dropped: dict[str, int]
    """Reason for dropping -> how many."""


KEEPS_EVIDENCE = ("stop_made", "arrest")
"""Dispositions that propose a hold, since the read dies with its day."""
MatchKind = Literal["exact", "alternative", "look_alike", "one_edit"]
"""How a read's text matched a wanted plate: the same once folded; another reading of it is the same; the same but for
look-alikes; one character changed, added or left out. All but the first rest on the read's own doubt."""
AlertState = Literal["waiting", "confirmed", "dismissed"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A read that matched a hot-list entry. ``region_matches`` None: the read's region is unknown."""

    alert_id: str
    raised_at: datetime
    camera_name: str
    entry: HotlistEntry
    state: AlertState
    region_matches: bool | None
    disposition: str | None = None
    matched: MatchKind = "exact"

    @property
    def sounds(self) -> bool:
        """Plate and region are the list's. Any other alert is silent: it waits for the eye."""
        return self.matched == "exact" and self.region_matches is True


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert opened for a person's eye: the entry beside the read and its crop."""

    receipt: Receipt
    alert: Alert
    found: FoundRead | None
    """None when the read's epoch has been destroyed since."""
    difference: str = field(repr=False, default="")
    """Why a near match was matched, such as "One character differs: 8 for B."; empty for an exact one."""


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """A scene or crop opened through the gate, each with its own entry."""

    __pydantic_config__ = BYTES_AS_BASE64

    receipt: Receipt
    read_id: str
    kind: Literal["crop", "scene"]
    jpeg: bytes = field(repr=False)


# --- evidence ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptRead:
    """A read with its opened images, on its way into a hold or an export. ``sealed_sha256``: of what the lane sealed."""

    __pydantic_config__ = BYTES_AS_BASE64

    read: PlateRead
    camera_name: str
    epoch_id: str
    sealed_sha256: str
    crop_jpeg: bytes = field(repr=False)
    scene_jpeg: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Which reads to keep past their retention, for which case, by whose authority, until when.

    One source: ``search_index`` (reads that one's own search showed), ``alert_id`` (one's own stop or arrest),
    ``camera_ids`` with ``since`` and ``scope_until`` (a court's camera-day), or ``hold_id`` (another hold: an extension).
    """

    case_number: str
    authority: str
    reason: str
    until: datetime
    read_ids: tuple[str, ...] = ()
    search_index: int | None = None
    alert_id: str | None = None
    hold_id: str | None = None
    camera_ids: tuple[str, ...] = ()
    since: datetime | None = None
    scope_until: datetime | None = None
    purpose: str = ""
    """With ``offense``: where no search or hold says what for."""
    offense: str = ""


HoldState = Literal["placing", "held", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in its life. ``is_scope``: a court's camera-day, which nobody looks through; it is exported only."""

    hold_id: str
    case_number: str
    placed_at: datetime
    ends_at: datetime
    account_id: str
    authority: str
    state: HoldState
    reads: int
    is_scope: bool
    entry_index: int


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """What a hold kept. ``missing``: (period, reason) of what a court's scope asked for and could not be kept."""

    receipt: Receipt
    hold: Hold
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedHold:
    """A hold's reads, opened for the eye: an entry of its own."""

    receipt: Receipt
    hold: Hold
    reads: tuple[KeptRead, ...]


@dataclass(frozen=True, slots=True)
class HoldProposal:
    """A stop or an arrest whose read dies with its day unless somebody holds it."""

    alert_id: str
    raised_at: datetime
    disposition: str
    dies_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Which reads to hand out as evidence: of one's own search, or of a hold."""

    case_number: str
    reason: str
    read_ids: tuple[str, ...] = ()
    search_index: int | None = None
    hold_id: str | None = None


@dataclass(frozen=True, slots=True)
class EvidencePackage:
    """A signed evidence package (``docs/formats/evidence.md``): the bytes of one zip file."""

    __pydantic_config__ = BYTES_AS_BASE64

    receipt: Receipt
    reads: int
    sha256: str
    content: bytes = field(repr=False)


# --- the record as others see it --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """An entry's public half: index, type, rounded time and the public fields, nothing sealed."""

    index: int
    entry_type: str
    rounded_at: datetime
    public: dict[str, str]


@dataclass(frozen=True, slots=True)
class SealedBody:
    """An entry with the sealed body for one auditor key."""

    __pydantic_config__ = BYTES_AS_BASE64

    index: int
    leaf: bytes
    key_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """One epoch's key in its life."""

    epoch_id: str
    starts_at: datetime
    ends_at: datetime
    destroy_at: datetime
    state: Literal["open", "closed", "destroyed"]
    reads: int | None
    in_memory: bool = False
    """Kept in memory only: a restart ends it early."""


@dataclass(frozen=True, slots=True)
class CharterSummary:
    """The charter in plain data, for pages and the command line."""

    version: int
    city: str
    agency: str
    mark: Literal["demo", "trial", "production"]
    not_before: datetime
    expires_at: datetime
    retention_minutes: int
    epoch_minutes: int
    publication_interval_seconds: int
    purposes: tuple[tuple[str, str], ...]
    """(id, label)."""
    offenses: tuple[tuple[str, str], ...]
    declared_uses: tuple[tuple[str, str, bool], ...]
    """(id, label, prohibited)."""
    features: tuple[tuple[str, bool], ...]
    """(name, approved)."""
    cameras: tuple[tuple[str, str], ...]
    recognizers: tuple[str, ...]
    hotlist_categories: tuple[str, ...]
    grants: tuple[str, ...]
    case_number_example: str
    signed_by: tuple[tuple[str, str], ...]
    """(office, key fingerprint)."""
    policy_sha256: str
    alert_on_near_match: bool = False


CameraState = Literal["seeing", "blind", "silent", "stopped", "unwatched"]


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """Whether a camera's live lane sees. ``blind`` and ``silent`` are red; ``problem`` says why, in words.

    One that sees and has a ``problem`` all the same is yellow: something went wrong in the last ten minutes.
    """

    camera_id: str
    name: str
    state: CameraState
    since: datetime | None = None
    problem: str = ""
    last_heard_at: datetime | None = None
    last_frame_at: datetime | None = None
    waiting: int = 0
    """Reads in the lane's outbox."""
    dropped: int = 0
    """Frames that the lane had no time for, since it started."""
    missing: int = 0
    """Reads that never came: their numbers are missing between those that did."""
    held_back_at: datetime | None = None
    """When the camera last delivered more than its share, if that was within the hour."""

    @property
    def is_red(self) -> bool:
        """What passes there now is not seen, and nobody wanted that."""
        return self.state in ("blind", "silent")

    @property
    def is_yellow(self) -> bool:
        """It sees, and something of what passed lately may be missing."""
        return self.state == "seeing" and self.problem != ""


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """Health, answered to anybody on the socket: no plate, officer or case in it."""

    healthy: bool
    problems: tuple[str, ...]
    charter: CharterSummary | None
    log_origin: str
    log_size: int
    published_size: int
    now: datetime
    oldest_live_read_at: datetime | None
    live_epochs: int
    next_destruction_at: datetime | None
    cameras: tuple[CameraHealth, ...] = ()
    keyring: str = ""
    """Where the keys lie, in words."""
    overdue: tuple[str, ...] = ()
    """Epochs whose key should be dead and is not."""
    epochs_in_memory: int = 0
    """Living epochs whose reads are kept in memory only: taking one acknowledges memory, and a restart loses it."""
