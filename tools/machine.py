"""The machine that a benchmark ran on, in one line, for its JSON."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """Such as ``2 x AMD EPYC, Linux x86_64, Python 3.11.2``: no name of a host in it."""
    return f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")
