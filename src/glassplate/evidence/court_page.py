"""The page for the court as PDF. The same words and pictures give the same bytes; no picture is decoded here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glassplate.evidence.court_words import court_sections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glassplate.evidence.court_words import Section
    from glassplate.evidence.document import EvidenceDocument
    from glassplate.records import KeptRead

JPEG_START = b"\xff\xd8\xff"
PICTURE_WIDTH, PICTURE_HEIGHT = 360, 240  # points: five inches, and two of them fit on a page
MARGIN = 56


def made_with() -> str:
    """What writes the page: another version may write other bytes for the same words."""
    from importlib.metadata import version

    return f"reportlab {version('reportlab')}"


def page_of(document: EvidenceDocument, reads: Sequence[KeptRead]) -> bytes:
    """The page of a whole package; made again by whoever checks it."""
    pictures = {
        kept.read.read_id: [jpeg for jpeg in (kept.crop_jpeg, kept.scene_jpeg) if jpeg is not None]
        for kept in reads
    }
    title = f"Evidence package, case {document.case_number}"
    return court_page(title, court_sections(document, reads), pictures)


def court_page(title: str, sections: Sequence[Section], pictures: Mapping[str, Sequence[bytes]]) -> bytes:
    """The PDF. ``pictures``: read id -> JPEGs to show below the read's words."""
    from reportlab.lib.pagesizes import letter
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles = getSampleStyleSheet()
    flow: list[Any] = [Paragraph(_text(title), styles["Title"])]
    for section in sections:
        flow.append(Paragraph(_text(section.title), styles["Heading2"]))
        for paragraph in section.paragraphs:
            flow += [Paragraph(_text(paragraph), styles["BodyText"]), Spacer(1, 4)]
        for read_id in section.read_ids:
            flow += [part for jpeg in pictures.get(read_id, ()) for part in (_picture(jpeg), Spacer(1, 6))]
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer,
        pagesize=letter,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=_latin(title),
        author="Glassplate",
        invariant=1,  # no clock and no random id in the file
    ).build(flow)
    return buffer.getvalue()


def _picture(jpeg: bytes) -> Any:
    """The JPEG, embedded as it is: its header gives the size, its pixels are the reader's business."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image, Paragraph

    absent = Paragraph(
        "(The picture cannot be shown here; look at its file.)", getSampleStyleSheet()["BodyText"]
    )
    if not jpeg.startswith(JPEG_START):  # nothing but a JPEG reaches the parser of its header
        return absent
    try:
        width, height = ImageReader(io.BytesIO(jpeg)).getSize()
        scale = min(PICTURE_WIDTH / width, PICTURE_HEIGHT / height)
        return Image(io.BytesIO(jpeg), width * scale, height * scale, lazy=0)
    except Exception:  # noqa: BLE001 - a camera may seal anything, and the page must not fail for it
        return absent


def _text(words: str) -> str:
    return escape(_latin(words))


def _latin(words: str) -> str:
    """The standard fonts have Western letters; what else there is stays readable as its code."""
    return "".join(
        character
        if character == "\n" or (character.isprintable() and _has_glyph(character))
        else ascii(character)[1:-1]
        for character in words
    )


def _has_glyph(character: str) -> bool:
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
