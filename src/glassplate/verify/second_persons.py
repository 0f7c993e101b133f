"""Approvals as the opened entries tell them: who gave one, to which words, and whether it was used before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, sha256_hex
from glassplate.verify.replayed import SEARCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPARED: dict[str, tuple[str, ...]] = {
    "search": (
        *("plate", "kind", "bodies", "colors", "camera_ids", "purpose", "offense", "case_number"),
        *("declared_use", "on_behalf_of", "warrant"),
    ),
    "hold": (
        *("authority", "reason", "until", "search_index", "alert_id", "camera_ids", "since", "scope_until"),
    ),
    "export": ("reason", "read_ids", "search_index", "hold_id"),
    "account-changed": ("account_id", "roles"),
    "roles-changed": ("account_id", "roles"),
    "time-confirmed": (),
}
"""Words that an act's entry keeps as they were approved. A search's period is cut at now and at the retention's edge."""
ALL_CAMERAS = ["all"]


@dataclass(slots=True)
class _Asked:
    account_id: str
    action: str
    request: Mapping[str, Any]
    sha256: str
    approvers: set[str] = field(default_factory=set)


class SecondPersons:
    """Follows the entries in log order. Complete only where every body so far was opened."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}
        """Request id → what was asked."""
        self._used: set[str] = set()

    def follow(self, entry_type: str, fields: Mapping[str, Any]) -> Iterator[str]:
        """Take in one entry, once it was judged; what is wrong with an approval itself is told."""
        if entry_type == "approval-asked":
            asked = _Asked(
                fields["account_id"], fields["action"], fields["request"], fields["request_sha256"]
            )
            words = {
                "v": 1,
                "action": asked.action,
                "account_id": asked.account_id,
                "request": dict(asked.request),
            }
            if sha256_hex(canonical_json(words)) != asked.sha256:
                yield "its hash is not that of the words it shows"
            self._asked[fields["request_id"]] = asked
        if entry_type == "approval-given":
            given = self._asked.get(fields["request_id"])
            if given is not None and given.sha256 != fields["request_sha256"]:
                yield "it approves other words than were asked for"
            elif given is not None and given.account_id == fields["account_id"]:
                yield f"{given.account_id} approved an own request"
            elif given is not None:
                given.approvers.add(fields["account_id"])
        self._used.add((fields.get("operation") or {}).get("uses_approval") or "")

    def problems(
        self,
        entry_type: str,
        fields: Mapping[str, Any],
        request: Mapping[str, Any],
        first_page: Mapping[str, Any] | None,
    ) -> Iterator[str]:
        """Approvals on which an act was decided, and which the record does not have. ``first_page``: of a further page."""
        context, named = request["context"], fields.get("approval") or ""
        asked = self._asked.get(named)
        binding = [place for place in ("first", "second") if context.get(f"{place}ApprovalBinds") is True]
        for place in binding:
            approver = context[f"{place}Approver"]["__entity"]["id"]
            if asked is None or approver not in asked.approvers:
                yield f"it was decided on the approval of {approver or 'nobody'}, which the record does not have"
        if not binding or asked is None:
            return
        if first_page is not None:
            if named != first_page.get("approval"):
                yield "it goes on under another approval than its first page"
        elif named in self._used:
            yield "it was decided on an approval that was used up before"
        if (asked.action, asked.account_id) != (request["action"]["id"], request["principal"]["id"]):
            yield "it was decided on the approval of another act or another person's request"
        differing = [name for name in COMPARED[entry_type] if _differs(name, asked.request, fields)]
        if entry_type == SEARCH and not _is_within(asked.request, fields):
            differing.append("period")
        if differing:
            yield f"what was approved says otherwise ({', '.join(differing)})"


def _differs(name: str, approved: Mapping[str, Any], done: Mapping[str, Any]) -> bool:
    return bool(_plain(approved.get(name)) != _plain(done.get(name)))


def _is_within(approved: Mapping[str, Any], done: Mapping[str, Any]) -> bool:
    """Whether the period that was searched lies in the one that was approved."""
    moments = [datetime.fromisoformat(said[name]) for said in (approved, done) for name in ("since", "until")]
    return moments[0] <= moments[2] and moments[3] <= moments[1]


def _plain(value: Any) -> Any:
    """Lists without their order; an empty one, "all" cameras and null alike."""
    if isinstance(value, list):
        return sorted(map(str, value)) if value not in ([], ALL_CAMERAS) else ""
    return value or ""
