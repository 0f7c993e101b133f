"""What a process has let go is overwritten: in every size, by Python, numpy and the C library, in any thread."""

from __future__ import annotations

import os
import subprocess
import sys

from glassplate.freed_memory import AGAIN_SECONDS, MemorySweep, is_complete, sweepable_environment

PROGRAM = """
import ctypes, gc, sys, threading
import numpy
from glassplate.freed_memory import is_complete, sweep_freed_memory

mark = bytes(reversed(b"ebyam rebmem"))  # in no file of this program as it is looked for

def left():
    found, piece = 0, bytearray(1 << 20)  # of two pieces, nothing is looked at that crosses their border
    with open("/proc/self/mem", "rb", buffering=0) as memory, open("/proc/self/maps") as maps:
        for line in maps.read().splitlines():
            area, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(number, 16) for number in area.split("-"))
                for at in range(start, end, len(piece)):
                    memory.seek(at)
                    try:
                        size = memory.readinto(memoryview(piece)[: min(len(piece), end - at)])
                    except OSError:  # a stack that is gone meanwhile
                        break
                    hit = piece.find(mark, 0, size)
                    while hit >= 0:
                        found += 1
                        hit = piece.find(mark, hit + 1, size)
                    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(piece)), 0, len(piece))  # is no finding
    return found - 1  # the mark itself

def leave():
    texts = [str(number) + mark.decode() * (number % 90) for number in range(3000)]
    wide = [text.encode() for text in texts]
    arrays = [numpy.frombuffer(mark * number, "u1").copy() for number in range(1, 200)]
    chunks = [ctypes.create_string_buffer(mark * number) for number in range(1, 400)]
    itself = [texts[:9]]
    itself.append(itself)

threads = [threading.Thread(target=leave) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
before = left()
sweep_freed_memory()
print(before, left(), is_complete())
"""


def run(environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    before, after, complete = done.stdout.split()
    return int(before), int(after), complete == "True"


def test_nothing_is_left_of_what_was_let_go():
    """But for what shows between the bytes of what is in use: a block is longer than what somebody wrote into it."""
    before, after, complete = run(sweepable_environment())
    assert complete
    assert before > 10_000
    assert after < 10


def test_a_process_that_was_started_otherwise_says_so():
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    assert run(environment)[2] is False


def test_other_settings_of_the_c_library_are_kept(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=4096")
    assert sweepable_environment()["GLIBC_TUNABLES"].startswith(
        "glibc.malloc.trim_threshold=4096:glibc.malloc."
    )
    assert not is_complete()
    monkeypatch.setenv("GLIBC_TUNABLES", sweepable_environment()["GLIBC_TUNABLES"])
    assert is_complete()


def test_a_death_is_followed_by_a_sweep_and_by_later_ones():
    now = [100.0]
    sweep = MemorySweep(lambda: now[0])
    assert not sweep.run(), "nothing has died"
    sweep.ask()
    times = []
    for _ in range(300):
        if sweep.run():
            times.append(now[0] - 100.0)
        now[0] += 1.0
    assert times == [0.0, *AGAIN_SECONDS]
