"""Looking for plates in bytes, in every form we could think of."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.plate_text import fold, skeleton
from glassplate.store.plate_codes import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def forms(plate):
    """Every form in which a plate might lie about: texts, encodings, eight packed bytes."""
    texts = {plate, fold(plate), skeleton(plate), plate.lower(), fold(plate).lower(), plate[::-1]}
    texts |= {f"{plate[:4]} {plate[4:]}", f"{plate[:4]}-{plate[4:]}"}
    found = {text.encode() for text in texts}
    for text in texts:
        found |= {text.encode("utf-16-le"), text.encode("utf-16-be"), text.encode("utf-32-le")}
        found |= {text.encode().hex().encode(), text.encode().hex().upper().encode()}
        for before in (b"", b"x", b"xy"):  # base64 looks different at each of three offsets
            whole = base64.b64encode(before + text.encode()).decode().rstrip("=")
            found.add(whole[(len(before) * 4 + 2) // 3 :][: len(text) * 4 // 3 - 1].encode())
    for text in (plate, fold(plate)):
        raw = text.encode()
        found |= {raw.ljust(8, b"\0"), raw.rjust(8, b"\0"), raw[::-1].ljust(8, b"\0")}
        for base, shift in ((36, 0), (37, 1), (64, 1)):
            number = 0
            for character in text:
                number = number * base + _ALPHABET.index(character) + shift
            found |= {number.to_bytes(8, "big"), number.to_bytes(8, "little"), str(number).encode()}
    return {form for form in found if len(form) >= 7}


def hits(root, plates):
    wanted = {form: plate for plate in plates for form in forms(plate)}
    return [
        (str(path.relative_to(root)), wanted[form])
        for path in root.rglob("*")
        if path.is_file()
        for data in (path.read_bytes(),)
        for form in wanted
        if form in data
    ]


# --- a process's memory -----------------------------------------------------------------------------------------------


def _in_memory(plate: str) -> list[bytes]:
    """The forms in which a process holds a plate: Python's strings of 1, 2, 4 bytes a character, and the store's codes."""
    found = []
    for text in (plate, fold(plate), plate.lower(), skeleton(plate)):
        found += [text.encode(kind) for kind in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le")]
        code = code_of(text.upper())
        found += [code.to_bytes(8, "little"), code.to_bytes(8, "big")]
    return found


def held_in_memory(process_id: int, plates: Sequence[str]) -> dict[str, Counter[str]]:
    """Plate -> where in a process's memory it lies, and how often there. ``plates``: alike but for some characters.

    Every page is looked at but those that came from a program's file and cannot be written. Needs root: our processes hide
    from their own user.
    """
    forms: dict[bytes, set[bytes]] = {}
    for same in zip(*(_in_memory(plate) for plate in plates), strict=True):
        forms.setdefault(_stem(same), set()).update(same)
    plate_of = {form: plate for plate in plates for form in _in_memory(plate)}
    found: dict[str, Counter[str]] = {}
    for place, data in _areas(process_id):
        for stem, whole in forms.items():
            for at in _places(data, stem):
                near = data[max(0, at - 32) : at + 32]
                for plate in {plate_of[form] for form in whole if form in near}:
                    found.setdefault(plate, Counter())[place] += 1
    return found


def _stem(forms: Sequence[bytes]) -> bytes:
    """What all begin or end with, whichever is longer."""
    first = _beginning(forms)
    last = _beginning([form[::-1] for form in forms])[::-1]
    return max(first, last, key=len)


def _beginning(forms: Sequence[bytes]) -> bytes:
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*forms, strict=True))
    return bytes(column[0] for column in alike)


def _places(data: bytes, stem: bytes) -> Iterator[int]:
    at = data.find(stem)
    while at >= 0:
        yield at
        at = data.find(stem, at + 1)


def _areas(process_id: int) -> Iterator[tuple[str, bytes]]:
    """Each readable area of a process: what it is, and its bytes."""
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process_id}/maps").read_text().splitlines():
            area, rights, _, _, _, *name = line.split(maxsplit=5)
            start, end = (int(number, 16) for number in area.split("-"))
            is_of_a_program = name and name[0].startswith("/") and rights[:2] == "r-"
            if rights[0] != "r" or is_of_a_program or name in (["[vvar]"], ["[vsyscall]"]):
                continue
            try:
                memory.seek(start)
                yield (name or ["anonymous"])[0], memory.read(end - start)
            except OSError:  # unmapped meanwhile
                continue
