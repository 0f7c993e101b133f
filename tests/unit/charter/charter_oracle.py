"""A second opinion: the base rules written again in Python, from the charter's words and not from the Cedar text.

The tests compare it with the engine; it shares no code with ``glassplate.charter`` but the records.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SEARCH_FEATURES = {"plate_search", "wildcard_search", "vehicle_search", "camera_window_search"}
CASE_WORK = {"search", "open_image", "export", "hold", "share"}
ALERT_WORK = {"see_alert", "decide_alert", "import_hotlist"}
USE = CASE_WORK | ALERT_WORK | {"approve"}
FITTING = {
    "search": SEARCH_FEATURES,
    "open_image": {"image_view"},
    "see_alert": {"hotlist_alerts"},
    "decide_alert": {"hotlist_alerts"},
    "import_hotlist": {"hotlist_alerts"},
    "export": {"export"},
    "hold": {"export"},
    "share": {"sharing"},
}
ROLES = {
    "officer": {"search", "open_image", "see_alert", "decide_alert", "export", "hold", "read_log"},
    "supervisor": {
        "search", "open_image", "see_alert", "decide_alert", "export", "hold", "approve", "import_hotlist", "read_log",
        "approve_access",
    },
    "auditor": {"read_bodies", "record_finding", "read_log", "approve", "purge", "publish"},
    "records": {"export", "hold", "share", "read_log"},
    "administrator": {
        "manage_accounts", "give_access", "approve_access", "confirm_time", "import_hotlist", "purge", "publish",
        "read_log",
    },
    "council": {"read_log", "approve_access"},
}  # fmt: skip
WITHOUT_PLATE = {"vehicle_search": (20, timedelta(days=7)), "camera_window_search": (4, timedelta(days=1))}
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def expected_rules(request, charter):
    """The rules that must refuse ``request``; empty when it must be allowed."""
    unknown = _unknown(request, charter)
    if unknown:
        return unknown
    refusing = {rule for rule, holds in _safeguards(request, charter) if not holds}
    if not refusing and not any(request.action in ROLES.get(role, ()) for role in request.roles):
        return {"role-permits"}
    return refusing


def _unknown(request, charter):
    unknown = set()
    if request.action in CASE_WORK:
        known = {
            "unknown-purpose": (request.purpose, charter.purposes),
            "unknown-offense": (request.offense, charter.offenses),
            "unknown-declared-use": (request.declared_use, charter.declared_uses),
        }
        unknown = {rule for rule, (word, words) in known.items() if word not in [item.id for item in words]}
    return unknown


def _safeguards(request, charter):
    """(rule, whether the request meets it) of everything that applies to the action."""
    now, action = request.now, request.action
    feature = request.feature or min(FITTING.get(action, {""}) - (SEARCH_FEATURES - {"plate_search"}))
    yield "account-active", request.active
    yield "own-agency", request.agency_id == charter.agency.id
    in_demo = charter.mark == "demo" and request.sign_in_method in ("demo authenticator", "one-time link")
    yield "strong-sign-in", request.sign_in_method == "passkey" or in_demo
    if action in USE | {"read_bodies", "record_finding", "approve_access"}:
        yield "training-current", (request.training_valid_until or BEFORE_ALL) > now
    if action in USE:
        yield "charter-in-force", charter.not_before <= now < charter.expires_at
        yield "stop-in-force", not request.stop_in_force
    if action in CASE_WORK | ALERT_WORK:
        yield "feature-approved", _is_approved(charter, feature, now)
        yield "feature-fits", feature in FITTING[action]
    if action in CASE_WORK:
        yield from _case_safeguards(request, charter, feature)
    if action in ("give_access", "confirm_time"):
        may_approve = ("administrator", "supervisor", "council")
        first = next(iter(request.approvals), None)
        consents = any(_consents(first, role, request) for role in may_approve)
        if action == "confirm_time":
            yield "approval-time", consents
        else:
            yield "approval-access", charter.mark == "demo" or request.founding or consents
    if action == "search":
        span = request.window_end - request.window_start
        yield "search-window", timedelta(0) <= span <= timedelta(days=charter.max_search_days)
        yield "warrant-given", feature != "camera_window_search" or request.warrant != ""
        most_cameras, longest = WITHOUT_PLATE.get(feature, (None, None))
        yield "cameras-chosen", most_cameras is None or request.cameras in range(1, most_cameras + 1)
        yield "short-window", longest is None or span <= longest
        yield "rate-limit", request.searches_last_hour < charter.searches_per_hour


def _case_safeguards(request, charter, feature):
    action = request.action
    start = request.window_start or request.now
    yield "case-given", request.case_number != ""
    is_formed = re.fullmatch(charter.case_number_pattern, request.case_number, re.ASCII)
    yield "case-number-format", request.case_number == "" or bool(is_formed)
    offense = next(o for o in charter.offenses if o.id == request.offense)
    yield "purpose-allowed", request.purpose in offense.purposes
    use = next(u for u in charter.declared_uses if u.id == request.declared_use)
    yield "prohibited-use", not use.prohibited
    yield "outside-agency", _is_answerable(request, charter)
    yield "within-retention", request.now - start <= timedelta(minutes=charter.retention_minutes)
    approvals = [*request.approvals, None, None]
    is_wide = feature in ("vehicle_search", "camera_window_search")
    if action in ("export", "hold", "share") or (action == "search" and is_wide):
        yield "approval-supervisor", _consents(approvals[0], "supervisor", request)
    if action in ("export", "share"):
        is_third = approvals[1] is not None and (
            approvals[0] is None or approvals[1].account_id != approvals[0].account_id
        )
        yield "approval-auditor", is_third and _consents(approvals[1], "auditor", request)


def _consents(approval, role, request):
    return (
        approval is not None
        and approval.account_id not in (request.account_id, "")
        and role in approval.roles
        and approval.active
        and (approval.training_valid_until or BEFORE_ALL) > request.now
        and request.account_id not in approval.makers
        and approval.account_id not in request.makers
        and approval.binds_request
    )


def _is_approved(charter, name, now):
    return any(f.name == name and f.approved and f.not_before <= now < f.expires_at for f in charter.features)


def _is_answerable(request, charter):
    asker = request.on_behalf_of or charter.agency.id
    if asker == charter.agency.id:
        return request.declared_use != "other_agency" and request.action != "share"
    return _is_approved(charter, "sharing", request.now) and any(
        grant.agency_id == asker
        and not grant.revoked
        and grant.not_before <= request.now < grant.expires_at
        and request.purpose in grant.purposes
        for grant in charter.grants
    )
