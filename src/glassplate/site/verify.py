"""Check a city's public folder with this one file: Python 3.11 or newer, and the package ``cryptography`` (50 or newer).

    python3 verify.py FOLDER --root clerk=SHA256:… --root chief=SHA256:… --root auditor=SHA256:…

The three fingerprints come from paper, such as the ordinance; nothing else is believed. Exit status: 0 everything
holds, 5 something does not, 2 the command was mistyped.

It was written from the published formats and shares no line with the program that the city runs, so that an error in
one of them shows as a disagreement. What it checks, in this order (the code carries the same numbers):

    (0) plain files only                        (5) each charter in force is an entry
    (1) charters, signed by the three offices   (6) keys: created, closed, destroyed in time, counted every day
    (2) policies under their own hashes         (7) acts: inside a charter's life, by its agency
    (3) the log's key is the charter's          (8) keys handed out to cameras are those of the record
    (4) witnesses, signed root, every tile      (9) pages as signed; their counts are those of the record
    (10) a checkpoint you kept (--since), a receipt you were given (--receipt)

It opens no sealed half and decides no recorded search again; ``glassplate verify`` does, with an auditor's key.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OFFICES = ("clerk", "chief", "auditor")
DOCUMENTS = ("root.json", "offices.json", "charter.json", "base.cedar", "overlay.cedar", "schema.cedarschema")
MEGABYTE = 1024 * 1024
MAX_FILE, MAX_DOCUMENT, MAX_PAGE, MAX_NOTE, MAX_LEAF = (
    32 * MEGABYTE,
    MEGABYTE,
    4 * MEGABYTE,
    1_000_000,
    65_535,
)
MAX_POLICY = 256 * 1024
MAX_NAMES, MAX_DEPTH, MAX_VERSIONS, MAX_FINDINGS = 50_000, 12, 500, 1000
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


class Bad(Exception):
    """Something does not hold; the message says what."""


class Result:
    """What was found, and what a reader wants to know besides."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.facts: list[str] = []

    def find(self, where: str, what: object) -> None:
        """Note one thing that does not hold; what comes from strangers is made fit to print."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(printable(f"{where}: {what}"))

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Whatever does not hold inside is a finding of ``where``."""
        try:
            yield
        except Bad as error:
            self.find(where, error)


def demand(holds: object, what: str) -> None:
    """Raise ``Bad`` unless it holds."""
    if not holds:
        raise Bad(what)


def printable(text: str) -> str:
    """No control character reaches a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# --- bytes and texts: docs/formats.md §1 ---


def sha256(data: bytes) -> bytes:
    """The hash that everything here rests on."""
    return hashlib.sha256(data).digest()


def canonical(value: Any) -> bytes:
    """The one way to write a JSON value."""
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except ValueError:
        raise Bad("a value cannot be written as JSON") from None


def parse_json(data: bytes, limit: int) -> Any:
    """JSON with limits on size and depth, no key twice, no NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        demand(len(dict(pairs)) == len(pairs), "a key appears twice")
        return dict(pairs)

    def refuse(name: str) -> Any:
        raise Bad(f"{name} is no number")

    demand(len(data) <= limit, "it is too long")
    depth = 0
    for bracket in re.finditer(rb"[\[\]{}]", data):
        depth += 1 if bracket[0] in b"[{" else -1
        demand(depth <= 32, "it nests too deep")
    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Bad(f"it is not JSON ({error})") from None


def parse_canonical(data: bytes, limit: int) -> Any:
    """JSON of which no other spelling is accepted."""
    value = parse_json(data, limit)
    demand(canonical(value) == data, "it is not in canonical form: it was edited or reformatted")
    return value


def from_base64(text: str, *, url: bool = False) -> bytes:
    """Base64 with padding, or base64url without; other spellings of the same bytes are refused."""
    try:
        if url:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            again = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        else:
            data = base64.b64decode(text, validate=True)
            again = base64.b64encode(data).decode()
    except (ValueError, TypeError):
        raise Bad("a value is not base64") from None
    demand(again == text, "a base64 value is not in its one spelling")
    return data


def decimal(text: str) -> int:
    """Digits without sign or leading zero, below 2^63."""
    demand(re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII) and int(text) < 2**63, "a number is malformed")
    return int(text)


def hash_of(text: str) -> bytes:
    """A SHA-256 value in base64."""
    data = from_base64(text)
    demand(len(data) == 32, "a hash does not have 32 bytes")
    return data


# --- files from a stranger ---


def read(path: Path, limit: int = MAX_FILE) -> bytes:
    """A plain file of at most ``limit`` bytes; no link is followed, no pipe waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            demand(stat.S_ISREG(os.fstat(descriptor).st_mode), "it is no plain file")
            data = file.read(limit + 1)
    except OSError as error:
        raise Bad(f"it cannot be read ({error.strerror})") from None
    demand(len(data) <= limit, f"it is larger than the {limit:,} bytes that it may have")
    return data


def walk(public: Path, result: Result) -> list[str]:
    """(0) Every file's path; what is no plain file of sane size is a finding."""
    names: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(public / folder) as found:
                items = [item for item, _ in zip(found, range(MAX_NAMES + 1), strict=False)]
        except OSError as error:
            result.find(folder or ".", f"it cannot be listed ({error.strerror})")
            continue
        if len(items) > MAX_NAMES or folder.count("/") > MAX_DEPTH:
            result.find(folder, "it holds more, or nests deeper, than any record does")
            continue
        for item in items:
            name = f"{folder}/{item.name}" if folder else item.name
            if item.is_dir(follow_symlinks=False):
                waiting.append(name)
                continue
            status = item.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
                result.find(name, "it is a link, no plain file, or larger than any file of a record")
            names.append(name)
    return sorted(names)


# --- signed notes: C2SP signed-note, tlog-cosignature ---


class Key(NamedTuple):
    """A verifier key. ``kind``: 1 signs for a log, 4 (Ed25519) and 6 (ML-DSA-44) cosign for a witness."""

    name: str
    kind: int
    raw: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that name the key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw)[:4]

    def verify(self, text: str, signature: bytes) -> int:
        """Check a signature on a note's text; returns the time that a cosigner states, else 0."""
        try:
            if self.kind == 1:
                ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
                return 0
            demand(len(signature) == 8 + (64 if self.kind == 4 else 2420), "a cosignature has a wrong length")
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            demand(time < 2**63, "a cosignature's time is beyond 2^63")
            if self.kind == 4:
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
            else:
                mldsa.MLDSA44PublicKey.from_public_bytes(self.raw).verify(
                    signature, self._subtree(text, time)
                )
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            raise Bad(f"the signature by {self.name} does not hold") from None
        return time

    def _subtree(self, text: str, time: int) -> bytes:
        origin, size, root = checkpoint_of(text)
        names = [bytes([len(n.encode())]) + n.encode() for n in (self.name, origin)]
        head = b"subtree/v1\n\0" + names[0] + time.to_bytes(8, "big") + names[1]
        return head + bytes(8) + size.to_bytes(8, "big") + root


def is_key_name(name: str) -> bool:
    """Not empty, no space, no plus, no control character."""
    return bool(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


def parse_key(text: Any) -> Key:
    """``name+id+base64``; the id must be that of the content."""
    parts = text.split("+", 2) if isinstance(text, str) and len(text) <= 3072 else []
    demand(len(parts) == 3 and is_key_name(parts[0]), "a verifier key is malformed")
    material = from_base64(parts[2])
    demand(
        len(material) == {1: 33, 4: 33, 6: 1313}.get(material[0] if material else 0),
        "a verifier key is of no known kind",
    )
    key = Key(parts[0], material[0], material[1:])
    demand(key.id.hex() == parts[1], f"the key of {key.name} does not have the id that it claims")
    return key


def open_note(data: bytes, must_sign: Key, others: Iterable[Key] = ()) -> tuple[str, dict[Key, int]]:
    """The text of a note that ``must_sign`` signed, and each known signer's time. One bad signature refuses it all."""
    body, separator, rest = data.rpartition(b"\n\n")
    demand(len(data) <= MAX_NOTE and separator and rest.endswith(b"\n"), "the note is malformed")
    try:
        text, lines = body.decode() + "\n", rest.decode()[:-1].split("\n")
    except UnicodeDecodeError:
        raise Bad("the note is not UTF-8") from None
    demand(not any(c < " " and c != "\n" for c in text + rest.decode()), "the note has a control character")
    demand(len(lines) <= 100, "the note has more than 100 signatures")
    known = {(key.name, key.id): key for key in (must_sign, *others)}
    demand(len(known) == len({must_sign, *others}), "two keys share a name and an id")
    signed: dict[Key, int] = {}
    for line in lines:
        name, _, encoded = line.removeprefix("— ").partition(" ")
        demand(line.startswith("— ") and is_key_name(name), "a signature line is malformed")
        value = from_base64(encoded)
        demand(len(value) > 4, "a signature is too short")
        if key := known.get((name, value[:4])):
            signed.setdefault(key, key.verify(text, value[4:]))
    demand(must_sign in signed, f"it is not signed by {must_sign.name}")
    return text, signed


# --- the log: RFC 6962, C2SP tlog-checkpoint, tlog-tiles, tlog-proof -------------------------------------------------------


def checkpoint_of(text: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint's text."""
    lines = text.split("\n")
    demand(len(lines) > 3 and lines.pop() == "" and all(lines), "it is no checkpoint")
    size, top = decimal(lines[1]), hash_of(lines[2])
    demand(size or top == sha256(b""), "an empty log has another root")
    return lines[0], size, top


def open_checkpoint(data: bytes, log_key: Key) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log signed."""
    demand(log_key.kind == 1, "the log's key is a witness's")
    origin, size, top = checkpoint_of(open_note(data, log_key)[0])
    demand(origin == log_key.name, f"it is of the log {origin}, not of {log_key.name}")
    return size, top


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return sha256(b"\0" + leaf)


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return sha256(b"\1" + left + right)


def root_of(hashes: list[bytes]) -> bytes:
    """The tree's root: pairs are joined, an odd one at the end goes up as it is."""
    while len(hashes) > 1:
        joined = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = joined + ([hashes[-1]] if len(hashes) % 2 else [])
    return hashes[0] if hashes else sha256(b"")


def check_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2."""
    demand(index < size, "the proof is of an entry that its checkpoint does not have")
    at, last, value = index, size - 1, leaf_hash(leaf)
    for sibling in proof:
        demand(last, "the proof is too long")
        if at % 2 or at == last:
            value = node(sibling, value)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node(value, sibling)
        at, last = at >> 1, last >> 1
    demand(last == 0 and value == root, "the proof does not lead to the signed root")


def tile_path(level: str, number: int, width: int) -> str:
    """1234067 is ``x001/x234/067``; a tile of less than 256 ends in ``.p/<width>``."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return f"log/tile/{level}/" + "/".join(groups) + ("" if width == 256 else f".p/{width}")


def read_bundles(public: Path, size: int) -> list[bytes]:
    """All entries, in order. Nothing is proven of them yet."""
    leaves: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        name = tile_path("entries", number, width)
        try:
            data, position = read(public / name), 0
        except Bad as error:
            raise Bad(f"{name}: {error}") from None
        for _ in range(width):
            start = position + 2
            position = start + int.from_bytes(data[position:start], "big")
            demand(position <= len(data), f"{name} is damaged")
            leaves.append(data[start:position])
        demand(position == len(data), f"{name} holds more than its entries")
    return leaves


def check_tree(public: Path, names: list[str], log_key: Key, result: Result) -> list[bytes]:
    """(4) Every tile is what the entries lead to, up to the signed root; returns the entries, or none."""
    try:
        size, root = open_checkpoint(read(public / "log/checkpoint", MAX_PAGE), log_key)
        demand(size, "it is of an empty log")
        leaves = read_bundles(public, size)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        demand(root_of(hashes) == root, "the entries do not lead to the signed root")
    except Bad as error:
        result.find("log/checkpoint", error)
        return []
    levels, present = [hashes], set(names)
    while len(levels[-1]) >= 256:
        full = len(levels[-1]) // 256
        levels.append([root_of(levels[-1][256 * i : 256 * i + 256]) for i in range(full)])
    for level, row in enumerate(levels):
        for start in range(0, len(row), 256):
            name = tile_path(str(level), start // 256, min(256, len(row) - start))
            if name not in present:
                result.find(name, "the tile is missing")
    for name in names:
        if name.startswith("log/tile/"):
            with result.at(name):
                demand(
                    read(public / name) == tile_bytes(name, levels, leaves),
                    "it is not what the entries lead to",
                )
    result.facts.append(f"The log {log_key.name} has {size} entries, all of them under its signed root.")
    return leaves


def tile_bytes(name: str, levels: list[list[bytes]], leaves: list[bytes]) -> bytes:
    """What a tile of this name must hold; older partial ones are beginnings of what there is now."""
    form = r"log/tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?"
    match = re.fullmatch(form, name, re.ASCII)
    demand(match, "no tile has such a name")
    assert match
    level, number, width = match[1], int(re.sub("[x/]", "", match[2])), int(match[3] or 256)
    demand(name == tile_path(level, number, width) and 1 <= width <= 256, "no tile has such a name")
    is_bundle = level == "entries"
    demand(is_bundle or (str(int(level)) == level and int(level) < len(levels)), "the tree has no such level")
    part = (leaves if is_bundle else levels[int(level)])[256 * number : 256 * number + width]
    demand(len(part) == width, "the tree is not so large")
    return b"".join((len(item).to_bytes(2, "big") if is_bundle else b"") + item for item in part)


def check_witnesses(
    public: Path, log_key: Key, charter: dict[str, Any], now: datetime, result: Result
) -> None:
    """(4) As many of the charter's witnesses cosigned as it asks for; each key counts once."""
    if not charter["witnesses"]:
        result.facts.append("No witness outside cosigns this record: compare your checkpoint with others'.")
        return
    keys = [parse_key(witness["vkey"]) for witness in charter["witnesses"]]
    signed = open_note(read(public / "log/checkpoint", MAX_PAGE), log_key, keys)[1]
    times = {key.raw: time for key, time in signed.items() if key.kind != 1}
    demand(all(t <= now.timestamp() + 300 for t in times.values()), "a cosignature is dated into the future")
    quorum = charter["witness_quorum"]
    demand(len(times) >= quorum, f"{len(times)} of the charter's witnesses cosigned it, and {quorum} must")
    result.facts.append(f"{len(times)} witnesses cosigned it.")


# --- charters: TUF metadata, docs/formats/charter.md ---


def check_charters(public: Path, fingerprints: dict[str, str], result: Result) -> dict[int, dict[str, Any]]:
    """(1) Every published version that holds, ascending; ``sha256`` and ``files`` are added to its fields."""
    folder = public / "charter"
    found = [p.name for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    versions = sorted(int(name) for name in found if re.fullmatch(r"[1-9][0-9]{0,8}", name, re.ASCII))
    if len(versions) > MAX_VERSIONS:
        result.find("charter", f"it has more than {MAX_VERSIONS} versions")
    charters = {}
    for version in versions[-MAX_VERSIONS:]:
        with result.at(f"charter/{version}"):
            try:
                charter = read_charter(folder / str(version), fingerprints)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Bad("a document does not have the form of one") from None
            demand(charter["version"] == version, f"it says version {charter['version']}")
            charters[version] = charter
    if not charters:
        result.find(
            "charter", "no charter that holds is published; without one nobody can say what was allowed"
        )
    return charters


def read_charter(folder: Path, fingerprints: dict[str, str]) -> dict[str, Any]:
    """One version: form, trust, signatures, policies, content."""
    data = {name: read(folder / name, MAX_DOCUMENT) for name in DOCUMENTS}
    plain = {name: parse_canonical(data[name], MAX_DOCUMENT) for name in DOCUMENTS[:3]}
    signed = {name: value["signed"] for name, value in plain.items()}
    offices = signed["root.json"]["x-glassplate-offices"]
    raw = {
        keyid: bytes.fromhex(key["keyval"]["public"]) for keyid, key in signed["root.json"]["keys"].items()
    }
    check_forms(signed, offices, raw)
    for office in OFFICES:
        for keyid in offices[office]:
            shown = fingerprint(raw[keyid])
            demand(
                shown in fingerprints[office].split(), f"the {office}'s key {shown} is not the one on paper"
            )
    owner = {keyid: office for office in OFFICES for keyid in offices[office]}
    for name, value in plain.items():
        demand(
            set(value) == {"signed", "signatures"}, f"{name} holds more than signatures and what is signed"
        )
        signers = signers_of(name, value, owner, raw)
        needed = len(OFFICES) if name == "charter.json" else 2
        demand(len(signers) >= needed, f"{name} is signed by {len(signers)} offices, and {needed} must sign")
    charter: dict[str, Any] = signed["charter.json"]["x-glassplate-charter"]
    check_policy_files(data, signed["charter.json"]["targets"], charter["policy"])
    for name, value in signed.items():
        demand(value["version"] == charter["version"], f"{name} has another version than the charter")
        demand(value["expires"] == charter["expires_at"], f"{name} ends on another day than the charter")
    times = {name: utc(charter[name], "%Y-%m-%dT%H:%M:%SZ") for name in ("not_before", "expires_at")}
    return {**charter, **times, "sha256": sha256(data["charter.json"]).hex()}


def fingerprint(raw: bytes) -> str:
    """A key as it is printed: base32 of its SHA-256, in groups of four."""
    digits = base64.b32encode(sha256(raw)).decode().rstrip("=")
    return "SHA256:" + "-".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def check_forms(signed: dict[str, Any], offices: dict[str, list[str]], raw: dict[str, bytes]) -> None:
    """Root and offices have one accepted form for given keys: each office its own keys, at most two."""
    tuf = {
        k: {"keytype": "ed25519", "keyval": {"public": v.hex()}, "scheme": "ed25519"} for k, v in raw.items()
    }
    listed = [keyid for office in OFFICES for keyid in offices[office]]
    demand(
        set(offices) == set(OFFICES) and sorted(listed) == sorted(raw),
        "a key belongs to no office, or to two",
    )
    demand(
        all(1 <= len(offices[o]) <= 2 and offices[o] == sorted(offices[o]) for o in OFFICES),
        "an office has no key",
    )
    demand(all(sha256(canonical(key)).hex() == keyid for keyid, key in tuf.items()), "a key has another id")
    role = {"keyids": sorted(raw), "threshold": 2}
    common = {name: {k: signed[name][k] for k in ("expires", "spec_version", "version")} for name in signed}
    root = {
        "_type": "root", "consistent_snapshot": False, "keys": tuf, "x-glassplate-offices": offices,
        "roles": dict.fromkeys(("root", "targets", "snapshot", "timestamp"), role),
    }  # fmt: skip
    delegated = {
        "keys": tuf,
        "roles": [
            {"name": o, "keyids": offices[o], "threshold": 1, "terminating": False, "paths": ["charter/*"]}
            for o in OFFICES
        ],
    }
    demand(
        canonical(signed["root.json"]) == canonical({**common["root.json"], **root}),
        "root.json has another form",
    )
    expected = {**common["offices.json"], "_type": "targets", "targets": {}, "delegations": delegated}
    demand(canonical(signed["offices.json"]) == canonical(expected), "offices.json has another form")
    demand(signed["charter.json"]["_type"] == "targets", "charter.json is of another type")


def signers_of(name: str, plain: dict[str, Any], owner: dict[str, str], raw: dict[str, bytes]) -> set[str]:
    """The offices that signed; one signature that does not hold refuses the document."""
    keyids = [signature["keyid"] for signature in plain["signatures"]]
    demand(keyids == sorted(set(keyids)), f"{name} has a signature twice, or not in order")
    for signature in plain["signatures"]:
        demand(
            set(signature) == {"keyid", "sig"} and signature["keyid"] in owner,
            f"{name} is signed by a stranger",
        )
        demand(re.fullmatch("[0-9a-f]{128}", signature["sig"], re.ASCII), f"{name} has a malformed signature")
        key = ed25519.Ed25519PublicKey.from_public_bytes(raw[signature["keyid"]])
        try:
            key.verify(bytes.fromhex(signature["sig"]), canonical(plain["signed"]))
        except InvalidSignature:
            raise Bad(f"{name} was changed after the {owner[signature['keyid']]} signed it") from None
    return {owner[keyid] for keyid in keyids}


def check_policy_files(data: dict[str, bytes], targets: dict[str, Any], policy: dict[str, str]) -> None:
    """The three policy files are those that the charter names, beside it and inside it."""
    demand(set(targets) == {f"charter/{name}" for name in DOCUMENTS[3:]}, "charter.json names other files")
    for name, field in zip(DOCUMENTS[3:], ("base_sha256", "overlay_sha256", "schema_sha256"), strict=True):
        digest, length = sha256(data[name]).hex(), len(data[name])
        demand(length <= MAX_POLICY, f"{name} is too long")
        is_named = targets[f"charter/{name}"] == {"hashes": {"sha256": digest}, "length": length}
        demand(is_named and policy[field] == digest, f"{name} is not the file that the offices signed")


def policy_names(charter: dict[str, Any]) -> set[str]:
    """Where a charter's policies lie."""
    return {f"policy/{charter['policy'][f'{part}_sha256']}" for part in ("base", "overlay", "schema")}


def check_policies(
    public: Path, names: list[str], charters: Iterable[dict[str, Any]], result: Result
) -> None:
    """(2) Policies lie under their own hashes, and every charter's are there."""
    for name in names:
        if name.startswith("policy/"):
            with result.at(name):
                demand(
                    name == f"policy/{sha256(read(public / name, MAX_DOCUMENT)).hex()}",
                    "it has another hash than its name",
                )
    for charter in charters:
        for name in sorted(policy_names(charter) - set(names)):
            result.find(name, f"charter version {charter['version']} names it; it is missing")


# --- entries: docs/formats/entries.md ---


class Entry(NamedTuple):
    """The public half of one entry."""

    number: int
    type: str
    at: datetime
    public: dict[str, str]

    @property
    def where(self) -> str:
        """How a finding names it."""
        return f"entry {self.number} ({self.type})"


def utc(text: str, form: str) -> datetime:
    """A time in exactly this form."""
    try:
        at = datetime.strptime(text, form).replace(tzinfo=UTC)
        demand(at.strftime(form) == text, f"{text!r} is no time")
    except (TypeError, ValueError):
        raise Bad(f"{text!r} is no time") from None
    return at


def instant(text: str) -> datetime:
    """A time with a zone, in this century or the next."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not 2000 <= at.year < 2200:
        raise ValueError(text)
    return at.astimezone(UTC)


def parse_leaf(data: bytes) -> dict[str, Any]:
    """The four members of a leaf, strictly."""
    leaf = parse_canonical(data, MAX_LEAF)
    demand(
        isinstance(leaf, dict) and set(leaf) == {"v", "pub", "sd", "sealed"}, "it is no entry of version 1"
    )
    demand(type(leaf["v"]) is int and leaf["v"] == 1, "it is no entry of version 1")
    public, digests, sealed = leaf["pub"], leaf["sd"], leaf["sealed"]
    is_formed = isinstance(public, dict) and isinstance(digests, list) and isinstance(sealed, dict)
    demand(
        is_formed and all(isinstance(d, str) for d in (*digests, *sealed.values())),
        "its members are malformed",
    )
    demand(
        all(len(from_base64(d, url=True)) == 32 for d in (*digests, *sealed.values())),
        "a digest is malformed",
    )
    demand(
        len(digests) == 32 and sorted(set(digests)) == digests and "" not in sealed,
        "it has not 32 sorted digests",
    )
    is_text = all(isinstance(value, str) for value in public.values())
    demand(
        is_text and {"type", "time", "agency"} <= set(public),
        "its public half lacks something, or is not text",
    )
    return dict(leaf)


def read_entries(leaves: list[bytes], result: Result) -> list[Entry]:
    """Every entry that has the form of one; the others are findings."""
    entries = []
    for index, leaf in enumerate(leaves):
        with result.at(f"entry {index}"):
            public = parse_leaf(leaf)["pub"]
            entries.append(Entry(index, public["type"], utc(public["time"], "%Y-%m-%dT%H:00:00Z"), public))
    return entries


def check_installations(
    entries: list[Entry], charters: dict[int, dict[str, Any]], result: Result
) -> dict[int, Any]:
    """(5) Every charter is an entry and every such entry a published charter; returns entry index -> charter."""
    installed: dict[int, Any] = {}
    last = 0
    for entry in entries:
        if entry.type == "charter-installed":
            said = entry.public.get("version", "")
            charter = next((c for v, c in charters.items() if str(v) == said), None)
            if charter is None or entry.public.get("charter_sha256") != charter["sha256"]:
                result.find(entry.where, "the charter it names is not the one published under that version")
                continue
            if charter["version"] <= last:
                result.find(entry.where, f"it goes back from charter version {last} to {charter['version']}")
            last = charter["version"]
            installed[entry.number] = charter
    for version in sorted(set(charters) - {c["version"] for c in installed.values()}):
        result.find(f"charter/{version}", "the record has no entry of its installation")
    if entries and entries[0].number not in installed:
        result.find(entries[0].where, "the record must begin with the installation of a charter")
    return installed


class EpochKey:
    """What the record says of one key."""

    def __init__(self, entry: Entry) -> None:
        public = entry.public
        self.epoch, self.id, self.public_keys = public["epoch"], public["key_id"], public["public_keys"]
        self.starts, self.destroy_at = instant(public["starts"]), instant(public["destroy_at"])
        self.in_memory = public.get("kept") == "memory"
        self.dead = False
        self.due = self.destroy_at


class KeyLife:
    """(6) Follows every key from its creation to its death, and the daily counts. A silent day is a finding."""

    def __init__(self, result: Result) -> None:
        self.keys: dict[str, EpochKey] = {}
        self.days: set[date] = set()
        self.first: date | None = None
        self.result = result

    def follow(self, entries: list[Entry], installed: dict[int, Any], now: datetime) -> None:
        """Check all entries, then what is true at ``now``."""
        charter = None
        for entry in entries:
            charter = installed.get(entry.number, charter)
            try:
                if entry.type == "epoch-created":
                    self.created(entry, charter)
                elif entry.type == "key-inventory":
                    self.inventory(entry)
                elif entry.type in ("epoch-shortened", "epoch-closed", "epoch-supplement", "epoch-destroyed"):
                    self.changed(entry)
            except (KeyError, ValueError) as error:
                self.result.find(entry.where, f"its public fields are not those of format 1 ({error})")
        for key in self.keys.values():
            if not key.dead and now > key.due + HOUR:
                self.result.find(
                    f"epoch {key.epoch}", f"its key was due to die on {key.due:%Y-%m-%d %H:%M} and did not"
                )
        self.count_days(now)
        dead = sum(key.dead for key in self.keys.values())
        self.result.facts.append(f"{len(self.keys)} keys were created and {dead} of them destroyed.")

    def created(self, entry: Entry, charter: dict[str, Any] | None) -> None:
        """A key is born once, and not to live longer than the charter allows."""
        key = EpochKey(entry)
        self.first = self.first or entry.at.date()
        if key.epoch in self.keys:
            self.result.find(entry.where, f"the key of {key.epoch} is created a second time")
        if charter and key.destroy_at > key.starts + timedelta(minutes=charter["retention_minutes"]):
            self.result.find(entry.where, f"the key of {key.epoch} would outlive the charter's limit")
        self.keys[key.epoch] = key

    def changed(self, entry: Entry) -> None:
        """A key is given an earlier death, its epoch is closed, or it dies."""
        key = self.keys.get(entry.public["epoch"])
        if key is None:
            self.result.find(
                entry.where, f"the key of {entry.public['epoch']} was never created in the record"
            )
        elif entry.type == "epoch-shortened":
            destroy_at = instant(entry.public["destroy_at"])
            if destroy_at > key.destroy_at:
                self.result.find(entry.where, f"the death of the key of {key.epoch} is moved to later")
            key.destroy_at, key.due = destroy_at, max(destroy_at, entry.at)
        elif entry.type == "epoch-destroyed":
            self.destroyed(entry, key)
        elif key.dead:
            self.result.find(entry.where, f"the epoch {key.epoch} is closed after its key was destroyed")

    def destroyed(self, entry: Entry, key: EpochKey) -> None:
        """A key dies once, under its own id, neither early nor late."""
        done = instant(entry.public["done"])
        lost = key.in_memory and entry.public.get("cause") == "restart"
        for wrong, what in (
            (key.dead, "is destroyed a second time"),
            (done > entry.at + HOUR, "died after the entry was written"),
            (entry.public["key_id"] != key.id, "was created under another id"),
            (done < key.destroy_at - MINUTE and not lost, "died before its day"),
            (
                done > key.due + HOUR,
                f"was due on {key.destroy_at:%Y-%m-%d %H:%M} and destroyed {done - key.destroy_at} late",
            ),
        ):
            if wrong:
                self.result.find(entry.where, f"the key of {key.epoch} {what}")
        key.dead = True

    def inventory(self, entry: Entry) -> None:
        """The count of a day names exactly the keys that live."""
        day, said = (
            date.fromisoformat(entry.public["date"]),
            set(filter(None, entry.public["live"].split(","))),
        )
        for epoch in sorted(said ^ {key.epoch for key in self.keys.values() if not key.dead}):
            self.result.find(entry.where, f"it and the record disagree on whether the key of {epoch} lives")
        if day != entry.at.date():
            self.result.find(
                entry.where, f"it counts the keys of {day} but was written on {entry.at:%Y-%m-%d}"
            )
        else:
            self.days.add(day)

    def count_days(self, now: datetime) -> None:
        """Every day up to yesterday has its count."""
        if not self.days:
            self.result.find("key inventory", "the record has none; one a day is required")
            return
        day, last = min({*self.days, self.first or min(self.days)}), now.date() - DAY
        missing = [d for d in (day + DAY * i for i in range((last - day).days + 1)) if d not in self.days]
        if missing:
            self.result.find("key inventory", f"{len(missing)} days are missing, the first {missing[0]}")


IN_CHARTER = {
    "hold",
    "hold-opened",
    "export",
    "search",
    "image-opened",
    "alert-shown",
    "disposition",
    "hotlist-imported",
    "alert",
    "charter-installed",
}


STOPPED = ("search", "image-opened", "alert", "hold", "hold-opened", "export")


class Hold:
    """What the record says of reads that are kept longer."""

    def __init__(self, until: datetime) -> None:
        self.until, self.key_id, self.outcome, self.ended = until, "", "", False


def check_holds(entries: list[Entry], now: datetime, result: Result) -> None:
    """(6) A hold is placed once, has one outcome, and ends in time under the key that was made for it."""
    holds: dict[str, Hold] = {}
    for entry in entries:
        public = entry.public
        try:
            if entry.type == "hold":
                if public["hold"] in holds:
                    result.find(entry.where, "a hold is placed a second time")
                holds[public["hold"]] = Hold(instant(public["until"]))
            elif entry.type in ("hold-outcome", "hold-ended"):
                for what in hold_problems(entry, holds.get(public["hold"])):
                    result.find(entry.where, what)
        except (KeyError, ValueError) as error:
            result.find(entry.where, f"its public fields are not those of format 1 ({error})")
    for name, hold in holds.items():
        if hold.outcome == "kept" and not hold.ended and now > hold.until + HOUR:
            result.find(name, f"it was due to end on {hold.until:%Y-%m-%d %H:%M} and did not")


def hold_problems(entry: Entry, hold: Hold | None) -> Iterator[str]:
    """What is wrong with the outcome or the end of a hold."""
    public = entry.public
    if hold is None:
        yield "the hold it speaks of was never placed in the record"
    elif entry.type == "hold-outcome":
        if hold.outcome:
            yield "the hold has an outcome already"
        hold.outcome, hold.key_id = public["outcome"], public["key_id"]
        is_known = hold.outcome in ("kept", "failed", "interrupted")
        if not is_known or (int(public["reads"]) > 0) != (hold.outcome == "kept"):
            yield "its outcome and its count of reads contradict each other"
    else:
        done, due = instant(public["done"]), instant(public["due"])
        if hold.ended or hold.outcome != "kept" or public["key_id"] != hold.key_id:
            yield "the hold it ends does not stand, or has another key"
        if due > hold.until or done > hold.until + HOUR or done > entry.at + HOUR:
            yield "the hold ended late, or its end was moved to later"
        hold.ended = True


def check_acts(entries: list[Entry], installed: dict[int, Any], result: Result) -> None:
    """(7) Agency, order in time, charter's life, emergency stop, and no outcome without its search."""
    charter: dict[str, Any] | None = None
    latest = stopped = None
    counts: Counter[str] = Counter()
    for entry in entries:
        if entry.number in installed:
            charter, stopped = installed[entry.number], None
        if latest and entry.at < latest - HOUR:
            result.find(entry.where, f"it is dated before an entry that precedes it ({latest:%Y-%m-%d %H}h)")
        latest = max(entry.at, latest or entry.at)
        if charter and entry.public["agency"] != charter["agency"]["id"]:
            result.find(entry.where, "it names another agency than the charter")
        if entry.type in IN_CHARTER:
            if charter is None:
                result.find(entry.where, "it happened before any charter was installed")
            elif not charter["not_before"] - HOUR < entry.at < charter["expires_at"]:
                result.find(entry.where, "it happened outside the charter's life")
        builds = charter["builds"] if charter and entry.type == "vault-started" else []
        if builds and entry.public.get("build_sha256", "") not in builds:
            result.find(entry.where, "it started software that the charter does not approve")
        if stopped and entry.type in STOPPED and entry.at > stopped:
            result.find(entry.where, "it happened after an office's emergency stop")
        if entry.type == "emergency-stop":
            stopped = entry.at
        counts[entry.type] += 1
        if entry.type == "search-outcome" and counts["search-outcome"] == counts["search"] + 1:
            result.find(entry.where, "it is the outcome of no search; one is missing before it")
    result.facts.append(f"{counts['search']} searches and {counts['refusal']} refusals are recorded.")


# --- what is published besides ---


def check_bundle(public: Path, publisher: Key, agency: str, life: KeyLife, result: Result) -> None:
    """(8) The keys that cameras seal to are living keys of the record, with the same death."""
    text = open_note(read(public / "epoch-keys.note", MAX_PAGE), publisher)[0]
    bundle = parse_json(text.encode(), 256 * 1024)
    is_formed = isinstance(bundle, dict) and set(bundle) == {"v", "kind", "agency_id", "issued_at", "keys"}
    demand(
        is_formed and bundle["v"] == 1 and bundle["kind"] == "epoch-keys",
        "it is no list of epoch keys of version 1",
    )
    utc(bundle["issued_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
    demand(
        isinstance(bundle["keys"], list) and len(bundle["keys"]) <= 500, "it is no list of at most 500 keys"
    )
    if bundle["agency_id"] != agency:
        result.find("epoch-keys.note", "it is of another agency")
    for listed in bundle["keys"]:
        fields = {"epoch_id", "starts_at", "ends_at", "destroy_at", "read_key", "image_key"}
        demand(isinstance(listed, dict) and set(listed) == fields, "a key in it is malformed")
        demand(all(isinstance(value, str) for value in listed.values()), "a key in it is malformed")
        starts, ends, dies = (
            utc(listed[f], "%Y-%m-%dT%H:%M:%S.%fZ") for f in ("starts_at", "ends_at", "destroy_at")
        )
        demand(starts < ends <= dies, "a key in it dies before its epoch ends")
        for field in ("read_key", "image_key"):
            demand_point(listed[field])
        key = life.keys.get(listed["epoch_id"])
        hashed = sha256(f"{listed['read_key']}\n{listed['image_key']}\n".encode()).hex()
        if key is None or key.dead or key.destroy_at != dies or key.public_keys != hashed:
            result.find(
                "epoch-keys.note", f"its key for {listed['epoch_id']} is not a living key of the record"
            )


def demand_point(text: str) -> None:
    """A point of P-256, uncompressed."""
    point = from_base64(text, url=True)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point if len(point) == 65 else b"")
    except ValueError:
        raise Bad("a key in it is no point of P-256") from None


def check_site(public: Path, publisher: Key, result: Result) -> set[str]:
    """(9) Pages have the hashes that the publisher signed; returns their names."""
    pages = {"index.html", "verify.html", "data.json", "style.css"}
    with result.at("site.note"):
        version, *lines = open_note(read(public / "site.note", MAX_PAGE), publisher)[0].split("\n")[:-1]
        demand(version == "glassplate-site/v1", "it is of another version")
        hashes = {name: digest for digest, _, name in (line.partition(" ") for line in lines)}
        for name in sorted({*hashes, *pages}):
            with result.at(name):
                demand(name in hashes, "the publisher's signed list does not name it")
                demand(
                    re.fullmatch(r"[a-z0-9][a-z0-9-]*\.[a-z0-9]+", name, re.ASCII), "no page has such a name"
                )
                demand(
                    sha256(read(public / name, MAX_PAGE)).hex() == hashes[name],
                    "it is not the page that was signed",
                )
        pages |= set(hashes)
    return pages


def check_report(public: Path, entries: list[Entry], result: Result) -> None:
    """(9) The report's counts are those of the entries that it says it covers."""
    report = parse_json(read(public / "data.json", MAX_PAGE), MAX_PAGE)
    try:
        size, said = (
            int(report["log_size"]),
            {str(name): int(count) for name, count in report["entries_by_type"]},
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Bad("it is no report of format 1") from None
    demand(size <= len(entries), f"it speaks of {size} entries; the record has {len(entries)}")
    counted = Counter(entry.type for entry in entries if entry.number < size)
    for name in sorted(said.keys() | counted.keys()):
        if said.get(name, 0) != counted[name]:
            result.find(
                "data.json",
                f"it counts {said.get(name, 0)} entries of type {name}; the record has {counted[name]}",
            )


# --- what you kept or were given ---


def check_growth(data: bytes, log_key: Key, leaves: list[bytes], result: Result) -> int:
    """(10) The record still begins with what an older checkpoint committed to; returns that size."""
    size, root = open_checkpoint(data, log_key)
    demand(size <= len(leaves), f"the record had {size} entries then and has {len(leaves)} now: it was cut")
    demand(
        root_of([leaf_hash(leaf) for leaf in leaves[:size]]) == root,
        f"the first {size} entries were rewritten",
    )
    result.facts.append(f"It still begins with the {size} entries of the checkpoint that was kept.")
    return size


def check_receipt(data: bytes, log_key: Key, leaves: list[bytes], result: Result) -> None:
    """(10) A promise, a ``.tlog-proof``, or a receipt file with disclosed fields, against the record."""
    if data.startswith(b"log-promise/"):
        check_promise(data, log_key, leaves, result)
    elif data.startswith(b"c2sp.org/tlog-proof"):
        check_proof(data, log_key, leaves, result)
    else:
        demand(data.endswith(b"\n"), "it is no receipt")
        receipt = parse_canonical(data[:-1], 4 * MEGABYTE)
        fields = {"v", "kind", "leaf", "promise", "proof", "disclosures", "charter"}
        is_formed = (
            isinstance(receipt, dict) and set(receipt) == fields and isinstance(receipt["disclosures"], list)
        )
        demand(
            is_formed and receipt["v"] == 1 and receipt["kind"] == "glassplate-receipt",
            "it is no receipt of version 1",
        )
        demand(
            bool(receipt["proof"]) != bool(receipt["promise"]),
            "a receipt has a proof or a promise, one of them",
        )
        leaf = from_base64(receipt["leaf"], url=True)
        if receipt["proof"]:
            index = check_proof(str(receipt["proof"]).encode(), log_key, leaves, result)
            demand(leaf == leaves[index], "the entry in it is not the one in the record")
        else:
            index = check_promise(str(receipt["promise"]).encode(), log_key, leaves, result, leaf)
        for text in receipt["disclosures"]:
            name, value = disclosed(leaf, text)
            result.facts.append(printable(f"Entry {index} says {name}: {value}"))


def check_promise(
    data: bytes, log_key: Key, leaves: list[bytes], result: Result, leaf: bytes | None = None
) -> int:
    """The log's word that an entry (``leaf``, where it is at hand) is durable; returns the entry's index."""
    text = open_note(data, log_key)[0]
    form = r"log-promise/v1\norigin (.+)\nindex (.+)\nleaf (.+)\ntime ([0-9:.TZ-]{27})\n"
    match = re.fullmatch(form, text, re.ASCII)
    demand(match, "it is no promise of version 1")
    assert match
    demand(match[1] == log_key.name, "it is of another log")
    index, promised, at = decimal(match[2]), hash_of(match[3]), utc(match[4], "%Y-%m-%dT%H:%M:%S.%fZ")
    demand(leaf is None or leaf_hash(leaf) == promised, "the promise is of another entry than the receipt's")
    if index >= len(leaves):
        result.facts.append(f"The promise is of entry {index}, which this copy does not have yet.")
        return index
    kept = leaf_hash(leaves[index]) == promised
    demand(
        kept,
        f"the log promised another entry {index} on {at:%Y-%m-%d %H:%M}: proof that its keeper broke its word",
    )
    result.facts.append(f"The promise of {at:%Y-%m-%d %H:%M} UTC is kept: entry {index} is in the record.")
    return index


def check_proof(data: bytes, log_key: Key, leaves: list[bytes], result: Result) -> int:
    """A ``.tlog-proof`` of an entry of this record; returns the entry's index."""
    head, separator, checkpoint = data.partition(b"\n\n")
    demand(separator and len(data) <= MAX_NOTE + 65_536 and head.isascii(), "it is no proof file")
    version, *lines = head.decode().split("\n")
    demand(version == "c2sp.org/tlog-proof@v1", "it is no proof file of version 1")
    if lines and lines[0].startswith("extra "):
        from_base64(lines.pop(0).removeprefix("extra "))
    demand(lines and lines[0].startswith("index ") and len(lines) <= 64, "it has no index")
    index, hashes = decimal(lines[0].removeprefix("index ")), [hash_of(line) for line in lines[1:]]
    check_growth(checkpoint, log_key, leaves, result)
    size, root = open_checkpoint(checkpoint, log_key)
    demand(index < size, "it is of an entry that its checkpoint does not have")
    check_inclusion(leaves[index], index, size, hashes, root)
    result.facts.append(f"The proof holds: entry {index} is in the record.")
    return index


def disclosed(leaf: bytes, text: Any) -> tuple[str, Any]:
    """Name and value of a field that the leaf committed to."""
    demand(isinstance(text, str) and text.isascii() and len(text) <= MEGABYTE, "a disclosure is malformed")
    digest = base64.urlsafe_b64encode(sha256(text.encode())).rstrip(b"=").decode()
    demand(digest in parse_leaf(leaf)["sd"], "the entry does not commit to a disclosure: it was changed")
    parts = parse_json(from_base64(text, url=True), MEGABYTE)
    is_formed = isinstance(parts, list) and len(parts) == 3 and isinstance(parts[1], str)
    demand(is_formed, "a disclosure is malformed")
    return parts[1], parts[2]


# --- the whole check ---


def verify(
    public: Path, fingerprints: dict[str, str], now: datetime, since: bytes = b"", receipt: bytes = b""
) -> Result:
    """Everything, in the order of the numbers at the top of this file."""
    result = Result()
    names = walk(public, result)  # (0)
    charters = {} if result.findings else check_charters(public, fingerprints, result)  # (1)
    if not charters:
        return result
    check_policies(public, names, charters.values(), result)  # (2)
    newest = charters[max(charters)]
    result.facts.append(
        f"Charter version {max(charters)} of {newest['city']} is signed by the three offices; "
        f"in force until {newest['expires_at']:%Y-%m-%d}."
    )
    try:  # (3)
        log_key, publisher = parse_key(newest["log_vkey"]), parse_key(newest["bundle_vkey"])
    except Bad as error:
        result.find("charter", error)
        return result
    for name, field in (("log/vkey", "log_vkey"), ("bundle.vkey", "bundle_vkey")):
        with result.at(name):
            shown = read(public / name, 4096) == f"{newest[field]}\n".encode()
            demand(shown, "it is not the key that the signed charter names: another log, or a re-keyed twin")
    with result.at("log/checkpoint"):  # (4)
        check_witnesses(public, log_key, newest, now, result)
    pages = check_site(public, publisher, result)  # (9)
    known = pages | {"log/checkpoint", "log/vkey", "bundle.vkey", "epoch-keys.note", "site.note"}
    known |= {f"charter/{version}/{name}" for version in charters for name in DOCUMENTS}
    known |= {name for charter in charters.values() for name in policy_names(charter)}
    for name in names:
        if name not in known and not name.startswith("log/tile/"):
            result.find(name, "nothing that is signed speaks of this file; it does not belong here")
    leaves = check_tree(public, names, log_key, result)  # (4)
    if not leaves:
        return result
    entries = read_entries(leaves, result)
    installed = check_installations(entries, charters, result)  # (5)
    life = KeyLife(result)
    life.follow(entries, installed, now)  # (6)
    check_holds(entries, now, result)  # (6)
    check_acts(entries, installed, result)  # (7)
    with result.at("epoch-keys.note"):  # (8)
        check_bundle(public, publisher, newest["agency"]["id"], life, result)
    with result.at("data.json"):  # (9)
        check_report(public, entries, result)
    with result.at("kept checkpoint"):  # (10)
        if since:
            check_growth(since, log_key, leaves, result)
    with result.at("receipt"):
        if receipt:
            check_receipt(receipt, log_key, leaves, result)
    return result


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Check a city's public folder from outside.", epilog="See docs/verify.md."
    )
    parser.add_argument("folder", type=Path, help="the public folder, or a copy of it")
    parser.add_argument(
        "--root", action="append", default=[], help="office=fingerprint, once for each of three offices"
    )
    parser.add_argument(
        "--as-of", default="", help="day up to which the record must not be silent (default: now)"
    )
    parser.add_argument("--since", type=Path, help="a checkpoint that you kept")
    parser.add_argument("--receipt", type=Path, help="a promise, a .tlog-proof, or a receipt file")
    given = parser.parse_args(arguments)
    roots = {office: mark for office, _, mark in (root.partition("=") for root in given.root)}
    if set(roots) != set(OFFICES) or not all(roots.values()):
        parser.error("give --root OFFICE=FINGERPRINT once for each of clerk, chief and auditor")
    if not given.folder.is_dir():
        parser.error(f"{given.folder} is no folder")
    try:
        now = datetime.fromisoformat(given.as_of) if given.as_of else datetime.now(UTC)
        kept, receipt = (read(path) if path else b"" for path in (given.since, given.receipt))
    except (ValueError, Bad) as error:
        parser.error(str(error))
    now = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    result = verify(given.folder, roots, now, kept, receipt)
    for fact in result.facts:
        print(f"  ok    {fact}")
    for finding in result.findings:
        print(f"  WRONG {finding}")
    print(f"{len(result.findings)} findings." if result.findings else "Everything holds.")
    return 5 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
