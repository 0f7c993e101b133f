"""The whole demo, chapter by chapter."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glassplate.cli.connection import running_vault
from glassplate.cli.console import say
from glassplate.demo import ceremony, chapters, check, kinds, passage
from glassplate.demo.stage import DAYS, Stage, start_of_demo
from glassplate.errors import UsageError

if TYPE_CHECKING:
    from glassplate.config import CityFolder, Settings


def run_demo(folder: CityFolder, settings: Settings) -> Stage:
    """Chapters 1 to 9; the folder then holds a city that ``glassplate serve`` can run.

    Raises:
        UsageError: when the folder is not empty.
        DemoFailed: when something does not hold.
    """
    if folder.root.exists() and any(folder.root.iterdir()):
        raise UsageError(
            f"{folder.root} is not empty. Choose another --dir; or, when an earlier demo made it, add --replace to build "
            f"it again, or open it as it is with: glassplate serve --dir {folder.root}"
        )
    began = time.monotonic()
    today = datetime.now(UTC)
    stage = Stage(folder, settings, start_of_demo(today))
    say(f"[bold]A small invented city in {folder.root}[/]; its clock starts {DAYS} days ago.")
    stage.open_chapter("The charter ceremony")
    keys = ceremony.make_office_keys(stage)
    made = ceremony.make_folder(stage)
    documents = ceremony.sign_charter(stage, made, keys)
    with running_vault(folder, demo_clock=stage.started_at.isoformat()):
        ceremony.install(stage, documents)
        chapters.enroll_people(stage)
        chapters.photos_become_reads(stage)
        passage.video_becomes_one_read(stage)
        chapters.officer_searches(stage)
        chapters.searches_are_refused(stage)
        kinds.more_kinds_of_search(stage, documents, keys)
        chapters.hotlist_raises_alert(stage)
        stolen = chapters.days_pass(stage, today)
        chapters.fresh_reads(stage, today)
        check.auditor_pulls(stage)
    check.stolen_segment_stays_shut(stage, stolen)
    check.outsider_checks(stage, today)
    say(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    return stage
