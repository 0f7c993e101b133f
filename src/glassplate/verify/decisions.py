"""Policy replay: every recorded decision is decided again, under the charter that the log says was in force.

    (1) charter    the body's version and policy are those in force at its leaf
    (2) facts      the charter's facts are the charter's; the act's are the body's       `decision_facts`
    (3) decision   Cedar answers as it did: an act was allowed, a refusal refused, by the same rules

What the vault alone knew (who sat at the keyboard, a training certificate) stays its word.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glassplate.charter import PolicyTexts, check_recorded_charter, replay
from glassplate.encoding import parse_json
from glassplate.errors import GlassplateError
from glassplate.verify.charters import MAX_DOCUMENT_BYTES, policy_names
from glassplate.verify.decision_facts import MAX_DELAY, People, check_facts, moment, needs_decision
from glassplate.verify.folder import read_file
from glassplate.verify.replayed import REFUSAL, SEARCH
from glassplate.verify.second_persons import SecondPersons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.verify.charters import PublishedCharter
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

HOUR_SECONDS = 3600
MAX_TEXT = 1024 * 1024
_RULE_ID = re.compile(r'@id\("([^"]{1,100})"\)')
BEFORE_CEDAR = "fact-missing"  # the one refusal that a replay cannot repeat
_DAMAGED = (
    *(GlassplateError, LookupError, TypeError, ValueError, AttributeError),
    *(ArithmeticError, RecursionError),  # times beyond all years; nesting
)


class _Replay:
    """Follows the opened entries in log order."""

    def __init__(self, texts: Mapping[int, PolicyTexts], result: Verification) -> None:
        self._texts = texts
        self._result = result
        self._people, self._seconds = People(), SecondPersons()
        self._charters: list[tuple[datetime, Charter]] = []
        """Since when each was in force, by the sealed times of their installations."""
        self._searches: dict[int, dict[str, Any]] = {}
        self._holds: dict[str, dict[str, Any]] = {}
        self._stopped = False
        self.is_whole = True
        """Whether every entry so far was opened."""
        self.decided = self.undecidable = 0

    def installed(self, charter: Charter, at: datetime) -> None:
        """A charter comes into force."""
        self._charters.append((at, charter))
        self._stopped = False

    def follow(self, entry: PublicEntry, fields: dict[str, Any]) -> None:
        """One opened entry."""
        at = datetime.fromisoformat(fields["at"])
        if not 0 <= (at - entry.at).total_seconds() < HOUR_SECONDS:
            self._result.find(entry.where, "its public hour is not that of its sealed time")
        if "cedar_request" in fields:
            self._decide(entry, fields, at)
        elif needs_decision(entry.entry_type, fields) or self._gives_role(entry, fields):
            self._result.find(entry.where, "its body holds no decision; nothing shows that it was allowed")
        elif entry.entry_type == REFUSAL:
            self._demand_own_rule(entry, fields)
        if entry.entry_type == SEARCH:
            self._searches[entry.index] = fields
        elif entry.entry_type == "search-outcome" and fields["search_index"] in self._searches:
            search = self._searches[fields["search_index"]]
            self._searches[fields["search_index"]] = {**search, "shown": fields.get("read_ids", [])}
        elif entry.entry_type == "hold":
            self._holds[fields["hold_id"]] = fields
        self._stopped = self._stopped or entry.entry_type == "emergency-stop"
        self._people.follow(entry.entry_type, fields, at)
        for problem in self._seconds.follow(entry.entry_type, fields):
            self._result.find(entry.where, problem)

    def _gives_role(self, entry: PublicEntry, fields: dict[str, Any]) -> bool:
        return entry.entry_type == "roles-changed" and self._people.gives_role(fields)

    def _demand_own_rule(self, entry: PublicEntry, fields: dict[str, Any]) -> None:
        """A refusal without a decision is one of the vault's own rules, not of the policy's."""
        self.undecidable += 1
        of_policy = self._policy_rules().intersection(fields["rules"])
        if of_policy:
            self._result.find(
                entry.where,
                f"it refuses by the policy's rule {', '.join(sorted(of_policy))} and holds no decision",
            )

    def _policy_rules(self) -> set[str]:
        if not self._charters:
            return set()
        texts = self._texts[self._charters[-1][1].version]
        return set(_RULE_ID.findall(texts.base + texts.overlay))

    def _decide(self, entry: PublicEntry, fields: dict[str, Any], at: datetime) -> None:
        request = parse_json(fields["cedar_request"].encode(), limit=MAX_TEXT)
        entities = parse_json(fields["cedar_entities"].encode(), limit=MAX_TEXT)
        charter = self._in_force(entry, fields, moment(request["context"]["now"]))
        if charter is None:
            return
        try:
            check_recorded_charter(fields["cedar_entities"], fields["cedar_request"], charter)  # (2)
        except GlassplateError as error:
            self._result.find(entry.where, error)
        context = request["context"]
        if self._stopped and context["stopInForce"] is not True:
            self._result.find(entry.where, "it was decided as if no emergency stop were in force; one was")
        for problem in check_facts(entry, fields, request, charter, self._searches, self._holds, at):
            self._result.find(entry.where, problem)
        for problem in self._people.problems(entry.entry_type, request, entities):
            self._result.find(entry.where, problem)
        if self.is_whole and entry.entry_type != REFUSAL:
            first = fields.get("page_of")
            page = self._searches[first] if first is not None else None
            for problem in self._seconds.problems(entry.entry_type, fields, request, page):
                self._result.find(entry.where, problem)
        self._judge(entry, fields, self._texts[charter.version])  # (3)

    def _in_force(self, entry: PublicEntry, fields: dict[str, Any], now: datetime) -> Charter | None:
        """(1) The charter of the decision: in force at the leaf, or until a moment before, when they crossed."""
        said = fields["charter_version"]
        for number, (_, charter) in enumerate(reversed(self._charters)):
            crossed = number == 1 and now < self._charters[-1][0]
            if charter.version == said and (number == 0 or crossed):
                if fields["policy_sha256"] != charter.policy.sha256:
                    self._result.find(entry.where, "it claims a policy that its charter does not name")
                return charter
        newest = self._charters[-1][1].version if self._charters else "none"
        self._result.find(
            entry.where,
            f"it claims charter version {said}, which was not in force: by the log it was version {newest}",
        )
        return None

    def _judge(self, entry: PublicEntry, fields: dict[str, Any], texts: PolicyTexts) -> None:
        decision = replay(fields["cedar_request"], fields["cedar_entities"], texts)
        self.decided += 1
        if entry.entry_type != REFUSAL:
            if not decision.allowed:
                self._result.find(
                    entry.where,
                    f"it should have been refused: {' '.join(decision.sentences)} ({', '.join(decision.rules)})",
                )
            return
        said = tuple(fields["rules"])
        if entry.public.get("rules") != ",".join(said):
            self._result.find(entry.where, "its public half names other rules than its body")
        if said == (BEFORE_CEDAR,):
            self.undecidable += 1
        elif decision.allowed:
            self._result.find(entry.where, "it refuses what the policy then in force allowed")
        elif decision.rules != said:
            self._result.find(
                entry.where,
                f"it was refused for {', '.join(said)}; the policy refuses it for {', '.join(decision.rules)}",
            )


def check_decisions(
    public: Path,
    opened: Mapping[int, dict[str, Any]],
    entries: Sequence[PublicEntry],
    installed: Mapping[int, Charter],
    charters: Sequence[PublishedCharter],
    result: Verification,
) -> None:
    """Decide again whatever ``opened`` (entry index → fields of its body) records as decided."""
    if not opened:
        return
    run = _Replay(_texts(public, charters, result), result)
    for entry in entries:
        fields = opened.get(entry.index)
        try:
            if entry.index in installed:
                at = datetime.fromisoformat(fields["at"]) if fields else entry.at + MAX_DELAY
                run.installed(installed[entry.index], at)
            run.is_whole = run.is_whole and fields is not None
            if fields:
                run.follow(entry, fields)
        except _DAMAGED as error:
            result.find(entry.where, f"what it records of its decision is not of format 1 ({error})")
    result.tell(
        f"{run.decided:,} decisions were decided again under the policy then in force"
        + (f"; {run.undecidable:,} refusals by the vault's own rules cannot be." if run.undecidable else ".")
    )


def _texts(
    public: Path, charters: Sequence[PublishedCharter], result: Verification
) -> dict[int, PolicyTexts]:
    """The policies of each charter version, from the files under their own hashes."""
    texts = {}
    for published in charters:
        try:
            parts = [
                read_file(public / name, MAX_DOCUMENT_BYTES).decode() for name in policy_names(published)
            ]
        except (GlassplateError, UnicodeDecodeError) as error:
            result.find(f"charter/{published.charter.version}", f"its policy cannot be read ({error})")
            continue
        texts[published.charter.version] = PolicyTexts(*parts)
    return texts
