"""Fetch the fonts that plates are rendered with: OFL and Apache families from npm's ``@fontsource`` packages.

    python training/fetch_fonts.py build/fonts

They are used to draw training pictures only; no font is part of the product.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fontTools.ttLib import TTFont

FAMILIES = (
    "barlow",
    "barlow-condensed",
    "barlow-semi-condensed",
    "saira-condensed",
    "saira-semi-condensed",
    "saira-extra-condensed",
    "overpass",
    "b612",
    "dosis",
    "bebas-neue",
    "roboto-condensed",
    "oxanium",
    "rajdhani",
    "share-tech-mono",
    "chakra-petch",
    "archivo-narrow",
    "encode-sans-condensed",
    "encode-sans-semi-condensed",
    "fira-sans-condensed",
    "fira-sans-extra-condensed",
    "ibm-plex-sans-condensed",
    "ubuntu-condensed",
    "pathway-gothic-one",
    "oswald",
    "antonio",
    "league-gothic",
    "pragati-narrow",
    "asap-condensed",
    "cabin-condensed",
    "sofia-sans-condensed",
    "sofia-sans-semi-condensed",
    "mohave",
    "khand",
    "teko",
    "staatliches",
    "strait",
    "electrolize",
    "share-tech",
    "yantramanav",
    "gudea",
    "varela-round",
    "m-plus-rounded-1c",
    "quicksand",
    "dongle",
    "fjalla-one",
    "francois-one",
    "squada-one",
    "overpass-mono",
    "b612-mono",
    "rubik",
    "kanit",
    "tomorrow",
    "arimo",
    "hind",
    "big-shoulders-display",
    "sofia-sans-extra-condensed",
    "mplus-1p",
)
WEIGHTS = (500, 600, 700, 800)  # plates are embossed bold; a family without these gives its 400
_FILE = re.compile(r"files/.*-latin-(\d00)-normal\.woff2$")


def main() -> None:
    """One TrueType file a family and weight."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for family in FAMILIES:
            subprocess.run(
                ["npm", "pack", "--silent", f"@fontsource/{family}"],
                cwd=work,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        for package in sorted(Path(work).glob("*.tgz")):
            print(package.name, _unpack(package, out))


def _unpack(package: Path, out: Path) -> int:
    with tarfile.open(package) as archive:
        by_weight = {
            int(found.group(1)): name for name in archive.getnames() if (found := _FILE.search(name))
        }
        chosen = [weight for weight in WEIGHTS if weight in by_weight] or [
            weight for weight in by_weight if weight == 400
        ]
        for weight in chosen:
            member = archive.extractfile(by_weight[weight])
            if member is not None:
                font = TTFont(io.BytesIO(member.read()))
                font.flavor = None
                font.save(out / Path(by_weight[weight]).name.replace("-latin", "").replace(".woff2", ".ttf"))
    return len(chosen)


if __name__ == "__main__":
    main()
