"""A process to be killed: opens the log in argv[1], appends from three threads and publishes, for ever.

Prints "ready", then a line for each acknowledgment ("ack <index> <number>") and for each checkpoint that it
published. Numbers begin at argv[2], so that no two processes write the same entry.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from log_testing import create, folders, record, reopen

_PRINTING = threading.Lock()


def _say(line: str) -> None:
    with _PRINTING:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _append(log, number: int, step: int) -> None:
    while True:
        for appended, told in zip(
            log.append([record(number + i, 900) for i in range(3)]), range(number, number + 3), strict=True
        ):
            _say(f"ack {appended.index} {told}")
        number += step


def main() -> None:
    base, number = Path(sys.argv[1]), int(sys.argv[2])
    log = reopen(base) if (folders(base)[0] / "journal").exists() else create(base)
    _say("ready")
    for lane in range(3):
        threading.Thread(target=_append, args=(log, number + 3 * lane, 9), daemon=True).start()
    while True:
        log.publish()
        _say(f"published {log.signed_checkpoint.hex()}")


if __name__ == "__main__":
    main()
