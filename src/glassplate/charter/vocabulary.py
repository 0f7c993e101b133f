"""The closed vocabularies: what a charter may speak about.

A word outside them is refused before any policy runs.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Mark = Literal["demo", "trial", "production"]
Office = Literal["clerk", "chief", "auditor"]

MARKS: Final[tuple[str, ...]] = get_args(Mark)
OFFICES: Final[tuple[Office, ...]] = get_args(Office)
ROLES: Final = ("officer", "supervisor", "auditor", "records", "administrator", "council")

FEATURES: Final = {
    "plate_search": "searching one full plate",
    "wildcard_search": "searching plates of which only a part is known, and plates that look alike",
    "image_view": "opening the image of a read that a search showed",
    "hotlist_alerts": "alerts when a wanted plate is read",
    "vehicle_search": "searching by the look of a vehicle, without a plate",
    "camera_window_search": "searching everything that some cameras read in a short time",
    "export": "taking reads out of the system as evidence",
    "sharing": "answering searches for other agencies that hold a grant",
}

OWN_CASE: Final = "own_case"
OTHER_AGENCY: Final = "other_agency"
PERSONAL: Final = "personal"
DECLARED_USES: Final = {
    OWN_CASE: "for a case of this agency",
    OTHER_AGENCY: "for another agency",
    "immigration_enforcement": "for immigration enforcement",
    "reproductive_care": "about reproductive health care",
    "gender_affirming_care": "about gender-affirming care",
    "protest_activity": "about protest or other protected speech",
    "religious_activity": "about the practice of a religion",
    "commercial": "for a business, a landlord or a debt collector",
    PERSONAL: "for a private reason",
}
USUALLY_PROHIBITED: Final = tuple(use for use in DECLARED_USES if use not in (OWN_CASE, OTHER_AGENCY))

HOTLIST_CATEGORIES: Final = {
    "stolen_vehicle": "stolen vehicles",
    "stolen_plate": "stolen plates",
    "felony_vehicle": "vehicles used in a felony",
    "missing_person": "missing persons",
    "amber_alert": "abducted children (AMBER alerts)",
    "silver_alert": "missing older or endangered persons",
    "wanted_person": "persons with an arrest warrant",
    "protection_order": "protection orders",
    "supervised_release": "persons on supervised release",
    "sex_offender": "registered sex offenders",
    "gang": "persons listed as gang members",
    "terrorism": "terrorism watch lists",
    "immigration_violator": "immigration records",
    "own_case": "vehicles of the agency's own cases",
}

ACTIONS: Final = {
    "search": "search reads",
    "open_image": "open images",
    "see_alert": "see alerts",
    "decide_alert": "decide alerts",
    "import_hotlist": "load hot lists",
    "approve": "approve a colleague's request",
    "export": "export reads",
    "hold": "hold reads past their retention",
    "share": "answer another agency",
    "manage_accounts": "manage accounts",
    "give_access": "give somebody an account or a role",
    "approve_access": "approve an account, a role or the time",
    "confirm_time": "confirm the time after a clock's jump",
    "read_bodies": "read the sealed halves of the record",
    "record_finding": "write an audit's findings into the record",
    "read_log": "read the record",
    "purge": "destroy what is due",
    "publish": "publish the record",
}
