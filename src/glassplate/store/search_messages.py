"""Between the store and its search worker: a head in JSON, and bytes behind it.

    length of the head u32 · length of the bytes u64 · head · bytes

Keys, read ids and rows are bytes; they are never in an argument, an environment or a file. Both ends are the same
version of this program, so nothing here is a format that lasts.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glassplate.store.cipher_file import KEY_BYTES
from glassplate.store.columns import READ_ID_BYTES
from glassplate.store.hot_reads import SealedKnowledge
from glassplate.store.question import Place, Question
from glassplate.store.sealed_segment import SegmentFacts
from glassplate.store.segment_search import SealedAnswer, SealedRow, SegmentFile
from glassplate.store.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.store.segment_search import Scope

LENGTHS = struct.Struct("<IQ")
_QUESTION = tuple(field.name for field in fields(Question))
READY = b"search worker ready\n"


class Message(NamedTuple):
    """One question or answer."""

    head: dict[str, Any]
    data: bytes = b""


def pack(message: Message) -> bytes:
    """The bytes to send."""
    head = json.dumps(message.head, separators=(",", ":")).encode()
    return b"".join((LENGTHS.pack(len(head), len(message.data)), head, message.data))


def receive(read: Callable[[int], bytes | bytearray]) -> Message:
    """The next message. ``read`` gives exactly so many bytes."""
    head_length, data_length = LENGTHS.unpack(read(LENGTHS.size))
    head = json.loads(bytes(read(head_length)))
    return Message(head, bytes(read(data_length)))


def pack_files(files: Sequence[SegmentFile]) -> Message:
    """Segments and, as data, their keys."""
    named = [[file.epoch_id, file.number, str(file.path), file.last_id] for file in files]
    return Message({"files": named}, b"".join(file.key for file in files))


def files_of(message: Message) -> list[SegmentFile]:
    """Inverse of ``pack_files``."""
    keys = _split(message.data, KEY_BYTES)
    named = zip(message.head["files"], keys, strict=True)
    return [
        SegmentFile(epoch_id, number, Path(path), key, last) for (epoch_id, number, path, last), key in named
    ]


def pack_loaded(facts: Sequence[SegmentFacts], failures: dict[str, str]) -> Message:
    """What loading answers."""
    return Message({"facts": [asdict(fact) for fact in facts], "failures": failures})


def loaded_of(message: Message) -> tuple[list[SegmentFacts], dict[str, str]]:
    """Inverse of ``pack_loaded``."""
    facts = [
        SegmentFacts(**{**fact, "words": tuple(Word(*word) for word in fact["words"])})
        for fact in message.head["facts"]
    ]
    return facts, message.head["failures"]


def pack_question(question: Question, scopes: Sequence[Scope]) -> Message:
    """What a search asks."""
    return Message({"question": {name: getattr(question, name) for name in _QUESTION}, "scopes": scopes})


def question_of(message: Message) -> Question:
    """Inverse of ``pack_question``."""
    asked: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in message.head["question"].items()
    }
    asked["below"] = Place(*asked["below"]) if asked["below"] else None
    return Question(**asked)


def scopes_of(message: Message) -> list[Scope]:
    """The epochs and segments that are asked."""
    return [(epoch_id, tuple(numbers)) for epoch_id, numbers in message.head["scopes"]]


def pack_answer(answer: SealedAnswer) -> Message:
    """What a search answers; the rows' data one after the other."""
    places = [[row.row_id, row.epoch_id, row.number, len(row.data)] for row in answer.rows]
    head = {"rows": places, "failures": answer.failures, "missing": sorted(answer.missing)}
    return Message(head, b"".join(row.data for row in answer.rows))


def answer_of(message: Message) -> SealedAnswer:
    """Inverse of ``pack_answer``."""
    rows, at = [], 0
    for row_id, epoch_id, number, length in message.head["rows"]:
        rows.append(SealedRow(row_id, epoch_id, number, message.data[at : at + length]))
        at += length
    return SealedAnswer(rows, message.head["failures"], set(message.head["missing"]))


def read_ids_of(message: Message) -> list[bytes]:
    """Read ids that came as data."""
    return _split(message.data, READ_ID_BYTES)


def pack_knowledge(knowledge: SealedKnowledge) -> Message:
    """What is known of late reads."""
    return Message({"latest": list(knowledge.latest.items())}, b"".join(knowledge.read_ids))


def knowledge_of(message: Message) -> SealedKnowledge:
    """Inverse of ``pack_knowledge``."""
    return SealedKnowledge(frozenset(read_ids_of(message)), dict(message.head["latest"]))


def _split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
