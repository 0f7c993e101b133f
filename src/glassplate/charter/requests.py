"""One question to the policy: the facts as the gate knows them, and what Cedar is asked.

Facts are passed in, never looked up: this module knows no clock, no registry and no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from glassplate.charter.case_number import is_well_formed
from glassplate.charter.vocabulary import FEATURES, OWN_CASE

if TYPE_CHECKING:
    from glassplate.charter.document import Charter

CASE_ACTIONS = ("search", "open_image", "export", "hold", "share")
ACCESS_ACTIONS = ("give_access", "confirm_time")
ALERT_ACTIONS = ("see_alert", "decide_alert", "import_hotlist")
NEVER = datetime(
    1970, 1, 1, tzinfo=UTC
)  # the date of a training that was never taken, of a grant that is not there
NOBODY = ""  # the account id of an approver who is not there; no account may have it

_FEATURE_OF = {
    "search": "plate_search",
    "open_image": "image_view",
    "see_alert": "hotlist_alerts",
    "decide_alert": "hotlist_alerts",
    "import_hotlist": "hotlist_alerts",
    "export": "export",
    "hold": "export",
    "share": "sharing",
}

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody else's consent, with the facts about that person as they are when it is used.

    ``binds_request``: the approved hash is the hash of exactly this request. ``makers``: who asked for the approver's
    account, who asked for that one's, and so on: nobody is a second person for whom they made.
    """

    account_id: str
    roles: tuple[str, ...]
    active: bool
    binds_request: bool
    training_valid_until: datetime | None = None
    makers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """May this person do this now? Times are aware UTC.

    ``feature`` None means the one that the action needs; a search names its own. ``purpose`` …
    ``window_end`` matter for case work only. ``searches_last_hour`` counts the searches before this one.
    ``cameras``: how many the search names, 0 for all.
    ``window_start``, ``searches_last_hour`` and ``cameras`` may be left out for anything but a search; leaving
    them out of a search refuses it. ``approvals``: a supervisor's first, an auditor's second.
    """

    account_id: str
    roles: tuple[str, ...]
    active: bool
    training_valid_until: datetime | None
    agency_id: str
    action: str
    now: datetime
    sign_in_method: str
    stop_in_force: bool
    feature: str | None = None
    purpose: str = ""
    offense: str = ""
    declared_use: str = OWN_CASE
    on_behalf_of: str | None = None
    case_number: str = field(default="", repr=False)
    window_start: datetime | None = None
    window_end: datetime | None = None
    searches_last_hour: int | None = None
    cameras: int | None = None
    approvals: tuple[Approval, ...] = ()
    warrant: str = ""
    makers: tuple[str, ...] = ()
    founding: bool = False


def missing_facts(request: DecisionRequest) -> tuple[str, ...]:
    """The facts without which a search is not decided."""
    if request.action != "search":
        return ()
    facts = {
        "window_start": request.window_start,
        "window_end": request.window_end,
        "searches_last_hour": request.searches_last_hour,
        "cameras": request.cameras,
    }
    return tuple(name for name, value in facts.items() if value is None)


def cedar_request(request: DecisionRequest, charter: Charter) -> Plain:
    """The request as Cedar takes it, all facts in the context."""
    return {
        "principal": uid("Account", request.account_id),
        "action": uid("Action", request.action),
        "resource": uid("Charter", str(charter.version)),
        "context": _context(request, charter),
    }


def cedar_entities(request: DecisionRequest, charter: Charter) -> list[Plain]:
    """The charter's facts and the persons', as far as this request touches them: exactly what is recorded.

    A word that the charter does not know is simply not among them, which is how the engine finds it out.
    """
    entities = [
        charter_entity(charter),
        *_words(request, charter),
        *(agency_entity(agency_id, charter) for agency_id in sorted(_agencies(request, charter))),
        _account(
            request.account_id,
            request.roles,
            request.active,
            request.agency_id,
            request.training_valid_until,
            request.makers,
        ),
    ]
    known = {request.account_id}
    for approval in (Approval(NOBODY, (), active=False, binds_request=False), *request.approvals):
        if approval.account_id not in known:
            known.add(approval.account_id)
            entities.append(
                _account(
                    approval.account_id,
                    approval.roles,
                    approval.active,
                    charter.agency.id,
                    approval.training_valid_until,
                    approval.makers,
                )
            )
    return entities


def uid(kind: str, name: str) -> Plain:
    """A Cedar entity's name."""
    return {"type": kind, "id": name}


def feature_of(request: DecisionRequest) -> str:
    """The feature that the act claims."""
    return request.feature if request.feature is not None else _FEATURE_OF.get(request.action, "")


def _context(request: DecisionRequest, charter: Charter) -> Plain:
    context: Plain = {
        "now": _time(request.now),
        "signIn": request.sign_in_method,
        "stopInForce": request.stop_in_force,
    }
    if request.action in (*CASE_ACTIONS, *ALERT_ACTIONS):
        context["feature"] = _reference("Feature", feature_of(request))
    if request.action in CASE_ACTIONS:
        context.update(_case(request, charter))
    if request.action in ACCESS_ACTIONS:
        first = request.approvals[0] if request.approvals else None
        context["founding"] = request.founding
        context["firstApprover"] = _reference("Account", first.account_id if first else NOBODY)
        context["firstApprovalBinds"] = first.binds_request if first else False
    return context


def _case(request: DecisionRequest, charter: Charter) -> Plain:
    window_start = request.window_start or request.now
    searches = request.searches_last_hour
    first, second = ((*request.approvals, None, None))[:2]
    return {
        "purpose": _reference("Purpose", request.purpose),
        "offense": _reference("Offense", request.offense),
        "declaredUse": _reference("DeclaredUse", request.declared_use),
        "onBehalfOf": _reference("Agency", _asker(request, charter)),
        "caseNumber": request.case_number,
        "caseNumberWellFormed": is_well_formed(charter.case_number_pattern, request.case_number),
        "warrant": request.warrant,
        "windowStart": _time(window_start),
        "windowEnd": _time(request.window_end or max(window_start, request.now)),
        "searchesLastHour": searches if searches is not None else charter.searches_per_hour,
        "cameras": request.cameras or 0,
        "firstApprover": _reference("Account", first.account_id if first else NOBODY),
        "firstApprovalBinds": first.binds_request if first else False,
        "secondApprover": _reference("Account", second.account_id if second else NOBODY),
        "secondApprovalBinds": second.binds_request if second else False,
    }


def _asker(request: DecisionRequest, charter: Charter) -> str:
    """The agency on whose behalf."""
    return request.on_behalf_of or charter.agency.id


def _agencies(request: DecisionRequest, charter: Charter) -> set[str]:
    return {charter.agency.id, request.agency_id, _asker(request, charter)}


def charter_entity(charter: Charter) -> Plain:
    """The charter's own limits."""
    return _entity(
        "Charter",
        str(charter.version),
        {
            "mark": charter.mark,
            "notBefore": _time(charter.not_before),
            "expiresAt": _time(charter.expires_at),
            "retention": _duration(f"{charter.retention_minutes}m"),
            "longestSearch": _duration(f"{charter.max_search_days}d"),
            "searchesPerHour": charter.searches_per_hour,
            "purposes": [_reference("Purpose", purpose.id) for purpose in charter.purposes],
        },
    )


def word_entities(charter: Charter) -> list[Plain]:
    """Every purpose, offense and declared use of the charter."""
    return [
        *(_entity("Purpose", purpose.id, {}) for purpose in charter.purposes),
        *(
            _entity("Offense", offense.id, {}, [uid("Purpose", purpose) for purpose in offense.purposes])
            for offense in charter.offenses
        ),
        *(_entity("DeclaredUse", use.id, {"prohibited": use.prohibited}) for use in charter.declared_uses),
    ]


def _words(request: DecisionRequest, charter: Charter) -> list[Plain]:
    used = [("Purpose", request.purpose), ("Offense", request.offense), ("DeclaredUse", request.declared_use)]
    uids = [uid(kind, name) for kind, name in used]
    words = [entity for entity in word_entities(charter) if entity["uid"] in uids]
    features = {feature_of(request), "sharing"}
    return words + [feature_entity(name, charter) for name in FEATURES if name in features]


def feature_entity(name: str, charter: Charter) -> Plain:
    """A feature's approval; one that the charter does not mention is not approved."""
    feature = charter.feature(name)
    approved = feature is not None and feature.approved
    return _entity(
        "Feature",
        name,
        {
            "approved": approved,
            "notBefore": _time(feature.not_before if feature else NEVER),
            "expiresAt": _time(feature.expires_at if feature else NEVER),
        },
    )


def agency_entity(agency_id: str, charter: Charter) -> Plain:
    """An agency and its grant, if any."""
    grant = charter.grant_for(agency_id)
    return _entity(
        "Agency",
        agency_id,
        {
            "isOwn": agency_id == charter.agency.id,
            "hasGrant": grant is not None,
            "grantPurposes": [_reference("Purpose", purpose) for purpose in grant.purposes] if grant else [],
            "grantNotBefore": _time(grant.not_before if grant else NEVER),
            "grantExpiresAt": _time(grant.expires_at if grant else NEVER),
            "grantRevoked": grant.revoked if grant else False,
        },
    )


def _account(
    account_id: str,
    roles: tuple[str, ...],
    active: bool,
    agency_id: str,
    training: datetime | None,
    makers: tuple[str, ...],
) -> Plain:
    return _entity(
        "Account",
        account_id,
        {
            "active": active,
            "agency": _reference("Agency", agency_id),
            "trainingValidUntil": _time(training or NEVER),
            "makers": [_reference("Account", maker) for maker in sorted(set(makers))],
        },
        [uid("Role", role) for role in sorted(set(roles))],
    )


def _entity(kind: str, name: str, attributes: Plain, parents: list[Plain] | None = None) -> Plain:
    return {"uid": uid(kind, name), "attrs": attributes, "parents": parents or []}


def _reference(kind: str, name: str) -> Plain:
    return {"__entity": uid(kind, name)}


def _time(moment: datetime) -> Plain:
    in_utc = moment.astimezone(UTC)
    text = f"{in_utc:%Y-%m-%dT%H:%M:%S}.{in_utc.microsecond // 1000:03d}Z"  # Cedar counts milliseconds
    return {"__extn": {"fn": "datetime", "arg": text}}


def _duration(text: str) -> Plain:
    return {"__extn": {"fn": "duration", "arg": text}}
