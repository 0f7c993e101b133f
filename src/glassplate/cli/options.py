"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.config import CityFolder

Dir = Annotated[
    Path,
    typer.Option("--dir", "-d", envvar="GLASSPLATE_DIR", help="The city's folder.", show_default=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before going ahead.")]
Unlock = Annotated[
    Path | None,
    typer.Option(
        "--unlock", help="File with the vault's unlock secret, if no vault runs.", show_default=False
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        help="Recognizer: glassplate, whole-frame, or one of an installed package.", show_default=True
    ),
]
DEFAULT_DIR = Path("demo-city")


def city(folder: Path) -> CityFolder:
    """The folder as the rest of the program wants it."""
    return CityFolder(folder.resolve())
