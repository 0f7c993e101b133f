"""The caged process that opens sealed reads. Started by ``opening_worker.OpeningWorker``, never imported by it.

It has no file, no network, no environment and no argument, leaves no core dump, and no process of the same user reads its
memory. What it knows is the batch in hand: the key comes with the envelopes. The vault kills it when an epoch dies.
"""

from __future__ import annotations

import socket
import sys

from glassplate.recognize import _cage
from glassplate.seal.opening_messages import READY, answer_to_next

ADDRESS_SPACE_BYTES = 700_000_000  # a batch of the largest reads has 4 MB


def main() -> int:
    """Answer until the vault hangs up."""
    _cage.limit_resources(ADDRESS_SPACE_BYTES)
    _cage.forbid_files_and_ports()
    _cage.leave_the_network()
    connection = socket.socket(fileno=sys.stdin.fileno())
    reader = connection.makefile("rb")
    _cage.limit_descriptors()

    def receive(size: int) -> bytearray:
        data = bytearray(size)
        if reader.readinto(data) != size:
            raise EOFError
        return data

    connection.sendall(READY)
    while True:
        try:
            connection.sendall(answer_to_next(receive))
        except EOFError:
            return 0


if __name__ == "__main__":
    sys.exit(main())
