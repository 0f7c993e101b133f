"""A small city's charter to start a draft from; ``glassplate init`` and the demo use it.

It takes the strict side: sharing closed, no search without a plate, every usually prohibited use prohibited.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.charter.document import (
    Agency,
    AuditorKey,
    Charter,
    CharterCamera,
    CharterWitness,
    DeclaredUse,
    Feature,
    Offense,
    PolicyHashes,
    Purpose,
)
from glassplate.charter.policy import shipped_policy
from glassplate.charter.vocabulary import DECLARED_USES, FEATURES, OTHER_AGENCY, OWN_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glassplate.charter.policy import PolicyTexts
    from glassplate.charter.vocabulary import Mark

APPROVED_FEATURES = ("plate_search", "wildcard_search", "image_view", "hotlist_alerts", "export")
RETENTION_DAYS = 30

_PURPOSES = (
    Purpose("stolen_vehicle", "finding a stolen vehicle", "Ordinance section 3(a)"),
    Purpose("missing_person", "finding a missing or abducted person", "Ordinance section 3(b)"),
    Purpose("violent_crime", "investigating a violent crime", "Ordinance section 3(c)"),
    Purpose("hit_and_run", "investigating a hit and run", "Ordinance section 3(d)"),
    Purpose("burglary", "investigating a burglary", "Ordinance section 3(e)"),
)
_OFFENSES = (
    Offense("auto_theft", "theft of a vehicle", ("stolen_vehicle",)),
    Offense("plate_theft", "theft of a plate", ("stolen_vehicle",)),
    Offense("carjacking", "carjacking", ("stolen_vehicle", "violent_crime")),
    Offense("missing_adult", "missing adult at risk", ("missing_person",)),
    Offense("missing_child", "missing child", ("missing_person",)),
    Offense("kidnapping", "kidnapping", ("missing_person", "violent_crime")),
    Offense("homicide", "homicide", ("violent_crime",)),
    Offense("robbery", "robbery", ("violent_crime",)),
    Offense("aggravated_assault", "aggravated assault", ("violent_crime",)),
    Offense("sexual_assault", "sexual assault", ("violent_crime",)),
    Offense("hit_and_run_injury", "hit and run with injury", ("hit_and_run",)),
    Offense("hit_and_run_death", "hit and run with death", ("hit_and_run", "violent_crime")),
    Offense("residential_burglary", "burglary of a home", ("burglary",)),
    Offense("commercial_burglary", "burglary of a business", ("burglary",)),
)
_HOTLIST_CATEGORIES = ("stolen_vehicle", "stolen_plate", "felony_vehicle", "missing_person", "amber_alert")


def sample_charter(
    *,
    auditor_keys: Mapping[str, str],
    origin: str,
    log_vkey: str,
    bundle_vkey: str,
    not_before: datetime,
    version: int = 1,
    mark: Mark = "demo",
    city: str = "Sample City",
    agency: tuple[str, str] = ("sample-city-pd", "Sample City Police Department"),
    days: int = 365,
    cameras: Sequence[tuple[str, str, str]] = (),
    recognizers: Sequence[str] = (),
    builds: Sequence[str] = (),
    witnesses: Sequence[tuple[str, str]] = (),
    witness_quorum: int = 0,
    policy: PolicyTexts | None = None,
) -> Charter:
    """A valid charter with the given keys; everything else may be changed with ``dataclasses.replace``.

    ``auditor_keys`` maps key id to public key, ``agency`` is (id, name), each camera (id, name, public key),
    each of ``witnesses`` (verifier key, address).
    ``not_before`` is cut to whole seconds. ``policy`` None means the shipped policy without an overlay.

    Raises:
        InputRefused: when a given key or name breaks a charter's rules.
    """
    starts_at = not_before.astimezone(UTC).replace(microsecond=0)
    ends_at = starts_at + timedelta(days=days)
    texts = policy or shipped_policy()
    charter = Charter(
        version=version,
        mark=mark,
        city=city,
        agency=Agency(*agency),
        not_before=starts_at,
        expires_at=ends_at,
        retention_minutes=RETENTION_DAYS * 1440,
        retention_floor_minutes=0,
        epoch_minutes=1440,
        publication_interval_seconds=60,
        answer_level="L1",
        origin=origin,
        log_vkey=log_vkey,
        bundle_vkey=bundle_vkey,
        witnesses=tuple(CharterWitness(vkey, url) for vkey, url in witnesses),
        witness_quorum=witness_quorum,
        auditor_keys=tuple(AuditorKey(*key) for key in auditor_keys.items()),
        recognizers=tuple(recognizers),
        builds=tuple(builds),
        cameras=tuple(CharterCamera(*camera) for camera in cameras),
        purposes=_PURPOSES,
        offenses=_OFFENSES,
        declared_uses=tuple(
            DeclaredUse(use, label, use not in (OWN_CASE, OTHER_AGENCY))
            for use, label in DECLARED_USES.items()
        ),
        case_number_pattern="[0-9]{2}-[0-9]{6}",
        case_number_example="26-004512",
        features=tuple(Feature(name, name in APPROVED_FEATURES, starts_at, ends_at) for name in FEATURES),
        hotlist_categories=_HOTLIST_CATEGORIES,
        alert_on_unknown_region=False,
        alert_on_near_match=False,
        disclosure_embargo_days=180,
        grants=(),
        searches_per_hour=30,
        max_search_days=RETENTION_DAYS + 1,  # all that is kept, however the seconds fall
        approval_hours=24,
        policy=PolicyHashes(texts.base_sha256, texts.overlay_sha256, texts.schema_sha256),
    )
    return Charter.from_json(charter.to_json())
