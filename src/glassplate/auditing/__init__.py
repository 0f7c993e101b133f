"""The auditor's side, outside the vault: pull, open, sample, mark, tell, export, answer.

Everything here works from the published record and the bodies in the auditor's own folder, with a key that never
touches the vault. What is signed and written: ``docs/formats.md`` §13. The day of an auditor: ``docs/auditing.md``.
"""

from glassplate.auditing.bodies import OpenedEntry, demand_opened, open_pulled
from glassplate.auditing.finding import build_finding, stories
from glassplate.auditing.marks import VERDICTS, Mark, add_mark, read_marks
from glassplate.auditing.pull import PAGE, BodySource, Pulled, pull_bodies
from glassplate.auditing.record import PublishedRecord, open_record
from glassplate.auditing.sample import Sample, draw_sample

__all__ = [
    "PAGE",
    "VERDICTS",
    "BodySource",
    "Mark",
    "OpenedEntry",
    "PublishedRecord",
    "Pulled",
    "Sample",
    "add_mark",
    "build_finding",
    "demand_opened",
    "draw_sample",
    "open_pulled",
    "open_record",
    "pull_bodies",
    "read_marks",
    "stories",
]
