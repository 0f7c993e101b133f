"""The process that searches sealed segments. It ends when an epoch dies, so that its memory ends with it.

It has no network, no arguments, and of an environment only a setting of the C library's; it leaves no core dump, and no
process of the same user reads its memory. Everything it knows came over one socket.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.hidden_memory import hide_memory, lock_memory
from glassplate.recognize._cage import leave_the_network
from glassplate.store import search_messages as messages
from glassplate.store.sealed_search import SealedSearch
from glassplate.store.search_messages import Message
from glassplate.store.segment_search import SegmentsMissingError

if TYPE_CHECKING:
    from collections.abc import Callable


def _load(search: SealedSearch, asked: Message) -> Message:
    return messages.pack_loaded(*search.load(messages.files_of(asked)))


def _search(search: SealedSearch, asked: Message) -> Message:
    question, scopes = messages.question_of(asked), messages.scopes_of(asked)
    return messages.pack_answer(search.search(question, scopes))


def _find(search: SealedSearch, asked: Message) -> Message:
    return messages.pack_answer(search.find(messages.read_ids_of(asked), messages.scopes_of(asked)))


def _knowledge(search: SealedSearch, asked: Message) -> Message:
    (scope,) = messages.scopes_of(asked)
    try:
        known = search.knowledge(scope, messages.read_ids_of(asked), asked.head["firsts"])
    except SegmentsMissingError as error:
        return Message({"missing": str(error)})
    except StorageFailed as error:
        return Message({"failure": str(error)})
    return messages.pack_knowledge(known)


def _unload(search: SealedSearch, asked: Message) -> Message:
    search.unload(asked.head["epoch"])
    return Message({})


def _lie_in(search: SealedSearch, asked: Message) -> Message:
    search.lie_in(asked.head["descriptor"])
    return Message({})


def _hand_over(search: SealedSearch, asked: Message) -> Message:
    search.unload(asked.head["epoch"])
    files, bits = search.hand_over()
    packed = messages.pack_files(files)
    return Message({**packed.head, "bits": bits}, packed.data)


def _take_over(search: SealedSearch, asked: Message) -> Message:
    descriptor = asked.head["descriptor"]
    search.take_over(messages.files_of(asked), descriptor, asked.head["bits"])
    os.close(descriptor)
    return Message({})


def _open_one(search: SealedSearch, _: Message) -> Message:
    return Message({"was_one": search.open_one()})


ACTS: dict[str, Callable[[SealedSearch, Message], Message]] = {
    "load": _load,
    "search": _search,
    "find": _find,
    "knowledge": _knowledge,
    "unload": _unload,
    "lie in": _lie_in,
    "hand over": _hand_over,
    "take over": _take_over,
    "open one": _open_one,
}


def main() -> int:
    """Answer until the store hangs up."""
    hide_memory()
    lock_memory()
    leave_the_network()
    connection = socket.socket(fileno=sys.stdin.fileno())
    connection.sendall(messages.READY)
    search = SealedSearch()
    reader = connection.makefile("rb")

    def read(size: int) -> bytes:
        data = reader.read(size)
        if len(data) != size:
            raise EOFError
        return data

    while True:
        try:
            asked = messages.receive(read)
        except EOFError:
            return 0
        connection.sendall(messages.pack(ACTS[asked.head["act"]](search, asked)))


if __name__ == "__main__":
    sys.exit(main())
