"""Words that say nothing, and words that name a purpose which cities forbid.

Vague words from released audits (one in five reasons there is a form of "investigation"); forbidden purposes as the
charter's declared uses name them. A word only points: whether a search was wrong is for a person to judge.
"""

from __future__ import annotations

import re

SEARCH_TYPES = frozenset(
    (
        "search", "lookup", "convoy", "visual", "freeform", "multigeo", "apiv1", "apilookup", "mostseenocrvalues",
        "searchsummary - mobile", "searchsummary", "hotlist", "alert",
    )
)  # fmt: skip
MACHINE_TYPES = frozenset(("apiv1", "apilookup", "hotlist", "alert"))
"""Types that a program asks, not a person; what they do again and again says nothing about a person."""

SHORT_REASON = 2  # characters: "i", "x", "rp"
_VAGUE = frozenset(
    [
        "a",
        "active",
        "address",
        "administrative",
        "all",
        "an",
        "area",
        "asap",
        "assist",
        "assistance",
        "at",
        "attempt",
        "auto",
        "bolo",
        "bulletin",
        "caad",
        "call",
        "case",
        "check",
        "checking",
        "cid",
        "citizen",
        "complaint",
        "contact",
        "crime",
        "criminal",
        "current",
        "d",
        "dept",
        "detail",
        "det",
        "detective",
        "development",
        "duty",
        "enforcement",
        "field",
        "find",
        "flock",
        "follow",
        "followup",
        "for",
        "general",
        "in",
        "info",
        "information",
        "ing",
        "inquiry",
        "intel",
        "intelligence",
        "inv",
        "inves",
        "invest",
        "investigate",
        "investigating",
        "investigation",
        "investigations",
        "investigative",
        "investigator",
        "invg",
        "invst",
        "job",
        "known",
        "law",
        "lead",
        "leads",
        "le",
        "leo",
        "letf",
        "license",
        "local",
        "locate",
        "location",
        "look",
        "looking",
        "lookup",
        "lpr",
        "n",
        "na",
        "named",
        "no",
        "none",
        "number",
        "observation",
        "of",
        "officer",
        "official",
        "on",
        "ongoing",
        "other",
        "patrol",
        "pd",
        "per",
        "person",
        "personal",
        "plate",
        "plates",
        "police",
        "poi",
        "possible",
        "proactive",
        "purpose",
        "query",
        "random",
        "read",
        "reading",
        "reason",
        "reg",
        "registration",
        "related",
        "report",
        "request",
        "research",
        "review",
        "run",
        "running",
        "s",
        "safety",
        "search",
        "see",
        "self",
        "shift",
        "someone",
        "special",
        "stop",
        "subject",
        "surveillance",
        "susp",
        "suspect",
        "suspicious",
        "suspicous",
        "system",
        "tag",
        "task",
        "test",
        "testing",
        "the",
        "this",
        "to",
        "track",
        "traffic",
        "training",
        "unit",
        "unk",
        "unknown",
        "up",
        "use",
        "vag",
        "veh",
        "vehicle",
        "verify",
        "w",
        "wanted",
        "warrant",
        "welfare",
        "work",
        "working",
        "x",
        "xx",
        "xxx",
        "yes",
    ]
) - {"warrant", "wanted", "welfare", "complaint", "personal"}
_VAGUE_PHRASES = frozenset(("asdf", "qwerty", "tbd", "n/a", "...", "idk", "because", "sus", "just because"))
_CASE_LIKE = re.compile(
    r"(?=[A-Z0-9/-]*\d{3})[A-Z]{0,5}[-# ]?\d{2,4}[-/ ]?\d{2,8}([-/]\d{1,6})?", re.IGNORECASE | re.ASCII
)
_WORD = re.compile(r"[a-z0-9]+", re.ASCII)

_POINTERS = {
    "immigration enforcement": (
        r"immigra\w*", r"deport\w*", "undocumented", "illegal aliens?", "removal (order|operation)s?", r"287 ?\(?g\)?",
        "cbp", "usbp", "border patrol", "hsi", "homeland security investigations", "uscis", "ero",
        r"(for|assist\w*|with|per|helping|requested by) ice",
        r"ice (hold|detainer|warrant|agents?|task ?force|operation|request|ero|assist\w*)",
    ),
    "reproductive health care": (
        "abortions?", "reproductive (health|care|clinic)", "planned parenthood", "miscarriage",
    ),
    "gender-affirming care": ("gender[- ]affirming", "transgender", "hormone therapy", r"trans (care|youth|kid\w*)"),
    "protected speech": (
        r"protest\w*", "demonstration", "demonstrators?", "no kings", "activists?", "rally", "marchers", "antifa", "blm",
        r"picket\w*", "journalists?",
    ),
    "religion": (
        "mosque", "muslims?", "islamic", "synagogue", "jewish", r"church (goers?|attend\w*)", "worshipp?ers?", "masjid",
    ),
    "a private reason": (
        "my (wife|husband|girlfriend|boyfriend|ex|gf|bf|daughter|son|neighbou?r|friend|car|truck|vehicle|family|kid)",
        "ex[- ]?(wife|husband|girlfriend|boyfriend|gf|bf)", "(wife|husband|girlfriend|boyfriend)'?s? (car|vehicle)",
        "personal (use|reason|vehicle|matter)", "dating", r"curious\w*", "favou?r", "for a friend", "self check",
        "own (car|vehicle|plate)",
    ),
    "commerce": (
        "repo", r"reposs?ess\w*", "landlord", "tenant screening", "debt", "collections? agency", r"insurance compan\w*",
        "employment (check|screening)", "background check",
    ),
}  # fmt: skip
_BARE_ICE = re.compile(r"^ice\b(?! ?(cream|storm|road|rink))", re.IGNORECASE)
FORBIDDEN = {use: re.compile(rf"\b({'|'.join(words)})\b", re.IGNORECASE) for use, words in _POINTERS.items()}
"""Declared use -> what points to it."""


def is_vague(reason: str) -> bool:
    """Whether a reason tells nobody why: empty, one or two letters, or general words only."""
    text = reason.casefold().strip()
    if _has_case_number(reason):
        return False
    words = _WORD.findall(text)
    letters = "".join(words)
    if len(letters) <= SHORT_REASON or text in _VAGUE_PHRASES or len(set(letters)) == 1:
        return True
    return all(word in _VAGUE or word in _VAGUE_PHRASES or len(word) == 1 or word.isdigit() for word in words)


def names_case(reason: str) -> bool:
    """Whether a reason holds what looks like a case or call number."""
    return _has_case_number(reason)


def forbidden_uses(reason: str) -> tuple[str, ...]:
    """The forbidden purposes that a reason's words point to."""
    found = {use for use, pattern in FORBIDDEN.items() if pattern.search(reason)}
    if _BARE_ICE.match(reason):
        found.add("immigration enforcement")
    return tuple(sorted(found))


def _has_case_number(text: str) -> bool:
    return any(_CASE_LIKE.fullmatch(word.strip(".,;:()#")) for word in text.split())
