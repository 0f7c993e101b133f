"""What auditors write into the record: findings, questions to officers, owners' requests; and the officers' replies.

Every one of them is an entry before anybody sees it. The public half of a finding holds counts of verdicts only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from glassplate.charter.statements import open_statement
from glassplate.errors import InputRefused, UsageError
from glassplate.plate_text import is_plausible, normalize
from glassplate.records import MAX_FINDING_ITEMS, AuditVerdict, SearchQuestion
from glassplate.search_kinds import in_words

if TYPE_CHECKING:
    from glassplate.authorize import Authorizer
    from glassplate.gate import Gate
    from glassplate.log import TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import Receipt
    from glassplate.registry import Registry, StoredQuestion

KIND = "audit-finding"
MAX_TEXT = 1000  # characters of a note, a reply, an identity note
OWN_SEARCH = "own-search"


@dataclass(frozen=True, slots=True)
class AuditFindings:
    """Callable from several threads at once."""

    log: TransparencyLog
    registry: Registry
    recorder: Recorder
    mandate: Mandate
    authorizer: Authorizer
    gate: Gate

    def record_finding(self, token: str | None, document: dict[str, Any]) -> Receipt:
        """Record a finding that the auditor's office signed.

        Raises:
            NotSignedIn, Refused: policy.
            InputRefused, ProofFailed: malformed, of another record, or not signed by the charter's auditor.
            UsageError: a question about something that is no search.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        decision = self.authorizer.authorize(session, "record_finding", None, now)
        keys = self.mandate.last().verified.office_keys["auditor"]
        plain = open_statement(document, KIND, [key.fingerprint for key in keys]).plain
        items = self._items(plain)
        counts = Counter(item["verdict"] for item in items)
        asked = [item["index"] for item in items if item["verdict"] == "question"]
        return self.recorder.record(
            "audit-finding",
            {
                "account_id": session.account.account_id,
                "items": items,
                "document": document,
                **decision.replayable(),
            },
            at=now,
            public={
                "ok": str(counts["ok"]),
                "question": str(counts["question"]),
                "violation": str(counts["violation"]),
            },
            operation={"kind": "searches_questioned", "searches": asked, "counts": dict(counts)},
        )

    def record_owner_request(self, token: str | None, plate: str, identity_note: str) -> Receipt:
        """Record that somebody whose identity was checked asks about their own plate. It answers nothing.

        Raises:
            NotSignedIn, Refused: policy.
            UsageError: no plate, or no word on how the person's identity and ownership were checked.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        if not is_plausible(normalize(plate)):
            raise UsageError("Give the whole plate: 4 to 8 letters and digits.")
        _demand_text(identity_note, "how identity and ownership were checked")
        decision = self.authorizer.authorize(session, "record_finding", None, now)
        return self.recorder.record(
            "owner-asked",
            {
                "account_id": session.account.account_id,
                "plate": normalize(plate),
                "identity_note": identity_note,
                **decision.replayable(),
            },
            at=now,
            operation={"kind": "counted", "counts": {"owners asked": 1}},
        )

    def questions(self, token: str | None) -> list[SearchQuestion]:
        """What auditors ask about the person's own searches, newest first; leaves an entry when there is any."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        stored = self.registry.questions_of(session.account.account_id)
        if stored:
            self.recorder.record("history-opened", {"account_id": session.account.account_id}, at=now)
        return [self._question(question) for question in stored]

    def reply(self, token: str | None, finding_index: int, search_index: int, text: str) -> Receipt:
        """Record the officer's reply to a question about a search of their own.

        Raises:
            NotSignedIn, Refused: nobody asked this person about that search; recorded.
            UsageError: an empty or too long reply.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        _demand_text(text, "your reply")
        mine = self.registry.questions_of(session.account.account_id)
        if (finding_index, search_index) not in [(q.finding_index, q.search_index) for q in mine]:
            raise self.authorizer.refusal(
                session, "reply", OWN_SEARCH, "No auditor has asked you about that search.", now
            )
        return self.recorder.record(
            "audit-reply",
            {
                "account_id": session.account.account_id,
                "finding_index": finding_index,
                "search_index": search_index,
                "text": text,
            },
            at=now,
            operation={
                "kind": "question_answered",
                "finding_index": finding_index,
                "search_index": search_index,
            },
        )

    def _items(self, plain: dict[str, Any]) -> list[dict[str, Any]]:
        """The finding's items, strictly. They may speak of what the signed checkpoint covers, and nothing later."""
        size, items = plain.get("size"), plain.get("items")
        if plain.get("origin") != self.mandate.last().verified.charter.origin or type(size) is not int:
            raise InputRefused("The finding is about another record.")
        if (
            not 0 < size <= self.log.size
            or not isinstance(items, list)
            or not 1 <= len(items) <= MAX_FINDING_ITEMS
        ):
            raise InputRefused(
                f"A finding has 1 to {MAX_FINDING_ITEMS} items, of a record that is not longer than this one."
            )
        for item in items:
            if not isinstance(item, dict) or item.keys() != {"index", "verdict", "note"}:
                raise InputRefused("Each item of a finding has exactly index, verdict and note.")
            if (
                type(item["index"]) is not int
                or not 0 <= item["index"] < size
                or item["verdict"] not in get_args(AuditVerdict)
            ):
                raise InputRefused("An item of the finding names no entry, or no verdict.")
            if not isinstance(item["note"], str) or len(item["note"]) > MAX_TEXT:
                raise InputRefused(f"A note has at most {MAX_TEXT} characters.")
            if item["verdict"] == "question" and self.registry.search(item["index"]) is None:
                raise UsageError(f"Entry {item['index']} is no search; only searches can be asked about.")
        if len({item["index"] for item in items}) != len(items):
            raise InputRefused("A finding speaks of each entry once.")
        return items

    def _question(self, stored: StoredQuestion) -> SearchQuestion:
        finding = self.recorder.open_body(stored.finding_index).fields
        search = self.recorder.open_body(stored.search_index).fields
        note = next(i["note"] for i in finding["items"] if i["index"] == stored.search_index)
        reply = self.recorder.open_body(stored.reply_index).fields["text"] if stored.reply_index else None
        return SearchQuestion(
            finding_index=stored.finding_index,
            search_index=stored.search_index,
            asked_at=datetime.fromisoformat(finding["at"]),
            searched_at=datetime.fromisoformat(search["at"]),
            asked=in_words(search),
            purpose=search["purpose"],
            case_number=search["case_number"],
            question=note,
            reply=reply,
        )


def _demand_text(text: str, what: str) -> None:
    if not text.strip() or len(text) > MAX_TEXT:
        raise UsageError(f"Write {what}, in 1 to {MAX_TEXT} characters.")
