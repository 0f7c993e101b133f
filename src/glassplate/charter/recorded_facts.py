"""The outside verifier's question: are the facts in a recorded decision the charter's own?

A replay proves that the policy says yes to the recorded facts. This proves that the vault did not feed it
other facts than the charter's: each entity that speaks for the charter must be what ``requests`` makes of the
charter. Facts about people (roles, training, counts) are not the charter's and stay the vault's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.charter.case_number import is_well_formed
from glassplate.charter.requests import agency_entity, charter_entity, feature_entity, word_entities
from glassplate.charter.vocabulary import FEATURES
from glassplate.errors import ProofFailed

if TYPE_CHECKING:
    from glassplate.charter.document import Charter

_OF_PEOPLE = "Account"


def check(request: Any, entities: Any, charter: Charter) -> None:
    """Compare every recorded entity but the accounts.

    Raises:
        ProofFailed: naming the entity or fact that differs.
    """
    try:
        _check_entities(entities, charter)
        _check_request(request, charter)
    except (KeyError, TypeError, AttributeError):
        raise ProofFailed("The recorded decision does not have the form of one.") from None


def _check_entities(entities: Any, charter: Charter) -> None:
    expected = {_key(entity): entity for entity in (charter_entity(charter), *word_entities(charter))}
    expected |= {_key(entity): entity for entity in (feature_entity(name, charter) for name in FEATURES)}
    for entity in entities:
        kind, name = _key(entity)
        if kind == _OF_PEOPLE:
            continue
        truth = agency_entity(name, charter) if kind == "Agency" else expected.get((kind, name))
        if entity != truth:
            raise ProofFailed(
                f"The decision was made on {kind} {name!r} with other facts than version "
                f"{charter.version} of the "
                "charter states."
            )


def _check_request(request: Any, charter: Charter) -> None:
    if request["resource"] != {"type": "Charter", "id": str(charter.version)}:
        raise ProofFailed(f"The decision was made under another charter than version {charter.version}.")
    context = request["context"]
    if "caseNumber" in context:
        truth = is_well_formed(charter.case_number_pattern, context["caseNumber"])
        if context["caseNumberWellFormed"] is not truth:
            raise ProofFailed(
                "The recorded decision judges the form of its case number other than the charter does."
            )


def _key(entity: Any) -> tuple[str, str]:
    return entity["uid"]["type"], entity["uid"]["id"]
