"""The text of a plate: one normal form, look-alikes and wildcards. Pure functions.

Three forms of the same text, each coarser than the one before:

* ``normalize``: what is on the plate, A–Z and 0–9 only.
* ``fold``: the search key. O, Q → 0 and I → 1, because plates use the glyphs as one and truth itself confuses
  them.
* ``skeleton``: the look-alike key. Two texts with one skeleton may be misread for each other; never a match
  by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from glassplate.errors import UsageError

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SHORTEST_PLATE = 4
LONGEST_PLATE = 8
MAX_PATTERN_CHARACTERS = 16  # twice the longest plate: room for every "*" that can mean something
MIN_LITERAL_CHARACTERS = 2  # fewer would browse the store, not search it

_FOLD = str.maketrans("OQI", "001")
_SKELETON = str.maketrans("OQDILBSZG", "000118526")
SKELETON_ALPHABET = "".join(sorted(set(ALPHABET.translate(_SKELETON))))
_SEPARATORS = frozenset(" -.·•\t")  # written between the groups of a plate, never part of it


def normalize(text: str) -> str:
    """Upper case, everything but A–Z and 0–9 dropped (letters of other alphabets too)."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return "".join(character.upper() for character in text if character.isascii() and character.isalnum())


def fold(text: str) -> str:
    """The search key of ``text``: normalized, O and Q as 0, I as 1."""
    return normalize(text).translate(_FOLD)


def skeleton(text: str) -> str:
    """The look-alike key of ``text``: O Q D as 0, I L as 1, B as 8, S as 5, Z as 2, G as 6."""
    return normalize(text).translate(_SKELETON)


def within_one_edit(one: str, other: str) -> bool:
    """Whether one insertion, deletion or substitution, or none, turns one text into the other."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[same + (len(one) == len(other)) :] == other[same + 1 :]


def is_plausible(text: str) -> bool:
    """Whether a normalized ``text`` can be a plate: 4–8 characters with at least one digit."""
    return SHORTEST_PLATE <= len(text) <= LONGEST_PLATE and any(character.isdigit() for character in text)


@dataclass(frozen=True, slots=True)
class PlatePattern:
    """A plate as asked for: ``?`` stands for one character, ``*`` for any number, none included.

    ``text`` is folded; matching folds the other side as well. Made by ``parse`` only.
    """

    text: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> PlatePattern:
        """Read a pattern as a person writes it: any case, spaces, dots and dashes between groups.

        Raises:
            UsageError: a character no plate has, too long, or too few characters that are not wildcards.
        """
        kept = [character for character in text if character not in _SEPARATORS]
        if not all(character in "?*" or normalize(character) for character in kept):
            raise UsageError(
                "A plate has letters A-Z and digits; use ? for one unknown character and * for any number."
            )
        if len(kept) > MAX_PATTERN_CHARACTERS:
            raise UsageError(
                f"The plate has {len(kept)} characters; at most {MAX_PATTERN_CHARACTERS} are accepted."
            )
        literals = sum(character not in "?*" for character in kept)
        if literals < MIN_LITERAL_CHARACTERS:
            raise UsageError(
                f"The plate has {literals} known characters; "
                f"give at least {MIN_LITERAL_CHARACTERS} besides ? and *."
            )
        return cls("".join(character if character in "?*" else fold(character) for character in kept))

    @property
    def has_wildcards(self) -> bool:
        """Whether more than one text can match."""
        return "?" in self.text or "*" in self.text

    def matches(self, text: str) -> bool:
        """Whether ``text``, folded, is one of the texts asked for."""
        return _matches(self.text, fold(text))

    def looks_like(self, text: str) -> bool:
        """Whether ``text`` is the same, or one edit away, once look-alikes are folded; without wildcards only."""
        return within_one_edit(skeleton(self.text), skeleton(text))


def _matches(pattern: str, text: str) -> bool:
    """Wildcard match. After a mismatch only the latest ``*`` is widened, so no input makes it explode."""
    at_pattern = at_text = 0
    latest_star = resume_at = -1
    while at_text < len(text):
        if at_pattern < len(pattern) and pattern[at_pattern] == "*":
            latest_star, resume_at = at_pattern, at_text
            at_pattern += 1
        elif at_pattern < len(pattern) and pattern[at_pattern] in ("?", text[at_text]):
            at_pattern += 1
            at_text += 1
        elif latest_star >= 0:
            resume_at += 1
            at_pattern, at_text = latest_star + 1, resume_at
        else:
            return False
    return not pattern[at_pattern:].strip("*")
