"""Tests that torture a vault; what they share is in ``tests.support.torture``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started
