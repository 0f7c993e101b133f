"""Changes to a published record, made by hand or with an insider's keys."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

from glassplate.encoding import canonical_json
from glassplate.log import Checkpoint, SigningKey, sign_checkpoint

FOREIGN = SigningKey.from_seed("exampleville.example/glassplate", bytes(31) + b"7")
LOG = "public/log"


def flip(path, position=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 1
    path.write_bytes(bytes(data))


def append(path, data=b"x"):
    path.write_bytes(path.read_bytes() + data)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def newest(folder):
    return max(folder.iterdir(), key=lambda path: int(path.name))


def oldest(folder):
    return min(folder.iterdir(), key=lambda path: int(path.name))


def sign_other_checkpoint(city, key=None, **changes):
    said = {"size": city.size, "root": bytes(32), **changes}
    checkpoint = Checkpoint("exampleville.example/glassplate", **said)
    (city.root / LOG / "checkpoint").write_bytes(sign_checkpoint(checkpoint, key or city.log_key))


def older_checkpoint(city):
    """Everything below log/ but for the checkpoint as it is; the checkpoint is the one of the day before."""
    leaves = city.leaves()
    kept = city.root / "kept"
    shutil.copytree(city.root / LOG, kept)
    city.rebuild(leaves[:200])
    checkpoint = (city.root / LOG / "checkpoint").read_bytes()
    shutil.rmtree(city.root / LOG)
    shutil.move(kept, city.root / LOG)
    (city.root / LOG / "checkpoint").write_bytes(checkpoint)


def move(city, source, target):
    (city.public / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(city.public / source, city.public / target)


def rewrite_report(city, change):
    path = city.public / "data.json"
    report = json.loads(path.read_text())
    change(report)
    path.write_text(json.dumps(report))
    city.sign_pages()


def edit_bundle(city, change, key=None):
    def changed(text):
        said = json.loads(text)
        change(said)
        return canonical_json(said).decode() + "\n"

    city.edit_note("epoch-keys.note", changed, key)


def swap_read_keys(said):
    first, second = said["keys"][0], said["keys"][1]
    first["read_key"], second["read_key"] = second["read_key"], first["read_key"]


def later(text, **step):
    return (datetime.fromisoformat(text) + timedelta(**step)).isoformat()


def public_of(city, index):
    return json.loads(city.leaves()[index])["pub"]


def change_day_of(city, index, field, **step):
    city.change_entry(index, **{field: later(public_of(city, index)[field], **step)})


def words(city):
    """What a finding says of this city before anything is changed."""
    types = [json.loads(leaf)["pub"]["type"] for leaf in city.leaves()]
    return {
        "size": city.size,
        "one_less": city.size - 1,
        "newest": city.size - 256,
        "oldest": oldest(city.public / "log/tile/entries/000.p").name,
        "refusals": types.count("refusal"),
        "type_of_7": types[7],
        "last_search": city.index_of("search", -1),
        "key": city.auditor_key.key_id,
    }
