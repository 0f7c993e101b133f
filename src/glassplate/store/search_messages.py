"""Between the store and its search worker: a head in JSON, and bytes behind it.

    length of the head u32 · length of the bytes u64 · head · bytes
    the bytes of an answer: for each row its id u64 · its place in ``places`` u16 · its length u32, then each row's data

Keys, read ids and rows are bytes; they are never in an argument, an environment or a file. Both ends are the same
version of this program, so nothing here is a format that lasts.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glassplate.store.cipher_file import KEY_BYTES
from glassplate.store.columns import READ_ID_BYTES
from glassplate.store.hot_reads import SealedKnowledge
from glassplate.store.question import Place, Question
from glassplate.store.segment_facts import SegmentFacts
from glassplate.store.segment_search import SealedAnswer, SealedRow, SegmentFile
from glassplate.store.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.store.segment_search import Scope

LENGTHS = struct.Struct("<IQ")
_ROW = struct.Struct("<QHI")
_values_of = attrgetter(*(field.name for field in fields(Question)))
_json = json.JSONEncoder(separators=(",", ":")).encode
_parsed = json.JSONDecoder().decode
READY = b"search worker ready\n"


class Message(NamedTuple):
    """One question or answer."""

    head: dict[str, Any]
    data: bytes = b""


def pack(message: Message) -> bytes:
    """The bytes to send."""
    head = _json(message.head).encode()
    return b"".join((LENGTHS.pack(len(head), len(message.data)), head, message.data))


def receive(read: Callable[[int], bytes | bytearray]) -> Message:
    """The next message. ``read`` gives exactly so many bytes."""
    head_length, data_length = LENGTHS.unpack(read(LENGTHS.size))
    both = bytes(read(head_length + data_length))
    return Message(_parsed(both[:head_length].decode()), both[head_length:])


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
    return Message({"question": _values_of(question), "scopes": scopes})


def question_of(message: Message) -> Question:
    """Inverse of ``pack_question``."""
    values: list[Any] = [tuple(v) if isinstance(v, list) else v for v in message.head["question"]]
    question = Question(*values)
    return replace(question, below=Place(*question.below)) if question.below is not None else question


def scopes_of(message: Message) -> list[Scope]:
    """The epochs and segments that are asked; lists serve where tuples were."""
    scopes: list[Scope] = message.head["scopes"]
    return scopes


def pack_answer(answer: SealedAnswer) -> Message:
    """What a search answers; the rows' data one after the other."""
    rows = answer.rows
    places: dict[tuple[str, int], int] = {}
    heads = [
        _ROW.pack(row_id, places.setdefault((epoch_id, number), len(places)), len(data))
        for row_id, epoch_id, number, data in rows
    ]
    head = {
        "rows": len(rows),
        "places": list(places),
        "failures": answer.failures,
        "missing": sorted(answer.missing),
    }
    return Message(head, b"".join((*heads, *(row.data for row in rows))))


def answer_of(message: Message) -> SealedAnswer:
    """Inverse of ``pack_answer``."""
    head, data = message
    places, at = head["places"], head["rows"] * _ROW.size
    rows = []
    for row_id, place, length in _ROW.iter_unpack(data[:at]):
        epoch_id, number = places[place]
        rows.append(SealedRow(row_id, epoch_id, number, data[at : at + length]))
        at += length
    return SealedAnswer(rows, head["failures"], set(head["missing"]))


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
