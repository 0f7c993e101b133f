"""Holds as the record tells them: placed with an end, counted, and ended in time under the key that was made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.verify.key_life import HOUR, LATE_AFTER, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

OUTCOMES = ("kept", "failed", "interrupted")


@dataclass(slots=True)
class _Hold:
    until: datetime
    key_id: str = ""
    outcome: str = ""
    reads: int = 0
    ended: bool = False


def check_holds(entries: Sequence[PublicEntry], now: datetime, result: Verification) -> None:
    """Follow every hold through the entries, in log order, then say what is true at ``now``."""
    holds: dict[str, _Hold] = {}
    for entry in entries:
        try:
            _follow(entry, holds, result)
        except (KeyError, ValueError) as error:
            result.find(entry.where, f"its public fields are not those of format 1 ({error})")
    live = {hold_id: hold for hold_id, hold in holds.items() if hold.outcome == "kept" and not hold.ended}
    for hold_id, hold in live.items():
        if now > hold.until + LATE_AFTER:
            result.find(
                hold_id,
                f"it was due to end on {hold.until:%Y-%m-%d %H:%M} UTC and the record does not show that it did",
            )
    if holds:
        reads = sum(hold.reads for hold in live.values())
        ended = sum(hold.ended for hold in holds.values())
        result.tell(
            f"{len(live)} holds keep {reads} reads past their day; {ended} holds have ended, each in time."
        )


def _follow(entry: PublicEntry, holds: dict[str, _Hold], result: Verification) -> None:
    public = entry.public
    if entry.entry_type == "hold":
        if public["hold"] in holds:
            result.find(entry.where, "a hold is placed a second time")
        holds[public["hold"]] = _Hold(time_of(public["until"]))
    elif entry.entry_type in ("hold-outcome", "hold-ended"):
        hold = holds.get(public["hold"])
        if hold is None:
            result.find(entry.where, "the hold it speaks of was never placed in the record")
        elif entry.entry_type == "hold-outcome":
            _outcome(entry, hold, result)
        else:
            _ended(entry, hold, result)


def _outcome(entry: PublicEntry, hold: _Hold, result: Verification) -> None:
    if hold.outcome:
        result.find(entry.where, "the hold has an outcome already")
    hold.outcome, hold.key_id = entry.public["outcome"], entry.public["key_id"]
    hold.reads = int(entry.public["reads"])
    if hold.outcome not in OUTCOMES or (hold.reads > 0) is not (hold.outcome == "kept"):
        result.find(entry.where, "its outcome and its count of reads contradict each other")


def _ended(entry: PublicEntry, hold: _Hold, result: Verification) -> None:
    done = time_of(entry.public["done"])
    if hold.ended or hold.outcome != "kept":
        result.find(entry.where, "the hold it ends does not stand")
    if entry.public["key_id"] != hold.key_id:
        result.find(entry.where, "it names another key than the one made for the hold")
    if time_of(entry.public["due"]) > hold.until:
        result.find(entry.where, "the end of the hold was moved to later; a longer hold is another hold")
    if done > hold.until + LATE_AFTER or done > entry.at + HOUR:
        result.find(entry.where, f"the hold was due to end on {hold.until:%Y-%m-%d %H:%M} and ended late")
    hold.ended = True
