"""Tiles, bundles and checkpoints changed by hand: found, and the file named, exit status 5."""

from __future__ import annotations

import shutil

import pytest
from tests.support.tampering import (
    FOREIGN,
    append,
    edit,
    flip,
    newest,
    older_checkpoint,
    oldest,
    sign_other_checkpoint,
    words,
)

CHANGES = {
    # --- files of the tree
    "a byte of the full tile is changed": (
        lambda c: flip(c.public / "log/tile/0/000"),
        "log tiles: log/tile/0/000",
    ),
    "a byte of the newest partial tile is changed": (
        lambda c: flip(newest(c.public / "log/tile/0/001.p")),
        "log/tile/0/001.p/{newest}",
    ),
    "a byte of an old partial tile, which nobody needs any more, is changed": (
        lambda c: flip(oldest(c.public / "log/tile/0/000.p")),
        "log/tile/0/000.p/{oldest}: it differs",
    ),
    "a byte of the upper tile is changed": (
        lambda c: flip(c.public / "log/tile/1/000.p/1"),
        "log/tile/1/000.p/1",
    ),
    "a byte of the full entry bundle is changed": (
        lambda c: flip(c.public / "log/tile/entries/000"),
        "log/tile/0/000 differs",
    ),
    "a byte of the newest entry bundle is changed": (
        lambda c: flip(newest(c.public / "log/tile/entries/001.p")),
        "log/tile/0/001.p/{newest} differs",
    ),
    "a byte of an old partial bundle is changed": (
        lambda c: flip(oldest(c.public / "log/tile/entries/000.p")),
        "log/tile/entries/000.p/{oldest}: it differs",
    ),
    "the entry bundle is cut short": (
        lambda c: (c.public / "log/tile/entries/000").write_bytes(
            (c.public / "log/tile/entries/000").read_bytes()[:-1]
        ),
        "log/tile/entries/000 is damaged",
    ),
    "a tile is cut short": (
        lambda c: (c.public / "log/tile/0/000").write_bytes(bytes(32 * 255)),
        "log tiles: log/tile/0/000 differs",
    ),
    "a byte is appended to a tile": (
        lambda c: append(c.public / "log/tile/0/000"),
        "log tiles: log/tile/0/000 differs",
    ),
    "a byte is appended to an old partial bundle": (
        lambda c: append(oldest(c.public / "log/tile/entries/000.p")),
        "log/tile/entries/000.p/{oldest}: it differs",
    ),
    "the full tile is missing": (
        lambda c: (c.public / "log/tile/0/000").unlink(),
        "log/tile/0/000 cannot be read",
    ),
    "the newest bundle is missing": (
        lambda c: newest(c.public / "log/tile/entries/001.p").unlink(),
        "log/tile/entries/001 cannot be read",
    ),
    "a stray file lies among the tiles": (
        lambda c: (c.public / "log/tile/0/notes.txt").write_text("?"),
        "log/tile/0/notes.txt: no file of this name",
    ),
    "a tile lies there under a second name": (
        lambda c: (
            (c.public / "log/tile/0/x000").mkdir(),
            shutil.copyfile(c.public / "log/tile/0/000", c.public / "log/tile/0/x000/000"),
        ),
        "log/tile/0/x000/000: no file of this name",
    ),
    "an empty file calls itself a tile of width zero": (
        lambda c: (c.public / "log/tile/entries/000.p/0").write_bytes(b""),
        "log/tile/entries/000.p/0: no file of this name",
    ),
    "a tile of entries that the checkpoint does not have": (
        lambda c: (c.public / "log/tile/0/001.p/99").write_bytes(bytes(32 * 99)),
        "log/tile/0/001.p/99: it differs",
    ),
    # --- checkpoint
    "a byte of the checkpoint's signature is changed": (
        lambda c: flip(c.public / "log/checkpoint", -9),
        "log/checkpoint: ",
    ),
    "the checkpoint's size is edited": (
        lambda c: edit(c.public / "log/checkpoint", f"{c.size}", f"{c.size - 1}"),
        "log/checkpoint: ",
    ),
    "a checkpoint of another root is signed by the log's own key": (
        sign_other_checkpoint,
        "log tiles: The entries in log do not lead to the signed root",
    ),
    "a checkpoint of more entries than there are is signed by the log's own key": (
        lambda c: sign_other_checkpoint(c, size=300),
        "log tiles: log/tile/entries/001",
    ),
    "a checkpoint of an empty log is signed by the log's own key": (
        lambda c: c.rebuild([]),
        "log/checkpoint: it is of an empty log",
    ),
    "the checkpoint is signed by somebody else": (
        lambda c: sign_other_checkpoint(c, FOREIGN),
        "log/checkpoint: The note is not signed by",
    ),
    "an older checkpoint comes back, signed as it was": (
        older_checkpoint,
        "log/tile/0/001.p/{newest}: it differs",
    ),
    "an older tree comes back whole, pages as they are": (
        lambda c: c.rebuild(c.leaves()[:200]),
        "data.json: it speaks of {size} entries; the record has 200",
    ),
    "the log's key is swapped": (
        lambda c: (c.public / "log/vkey").write_text(f"{FOREIGN.verifier}\n"),
        "log/vkey: it is not the key that the signed charter names",
    ),
    "the log's key ends in another blank": (
        lambda c: (c.public / "log/vkey").write_text((c.public / "log/vkey").read_text().strip() + "\x0b"),
        "log/vkey: ",
    ),
    "the publisher's key is swapped": (
        lambda c: (c.public / "bundle.vkey").write_text(f"{FOREIGN.verifier}\n"),
        "bundle.vkey: it is not the key that the signed charter names",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_record_is_found(change, published, check):
    act, expected = CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings
