"""Step (2) of every act: may they? One function answers, for every room; a refusal is recorded before it is told."""

from __future__ import annotations
