"""Looking for plates in bytes, in every form we could think of."""

from __future__ import annotations

import base64

from glassplate.plate_text import fold, skeleton

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
