"""The public pages: a pure function from numbers to files. No client, no I/O, no script in them."""

from __future__ import annotations

from glassplate.site.charter_words import CharterChapter, chapters
from glassplate.site.key_life import key_groups, key_state, key_words, reads_words
from glassplate.site.render import render_site
from glassplate.site.report_data import AlertCounts, EvidenceCounts, SiteReport

__all__ = [
    "AlertCounts",
    "CharterChapter",
    "EvidenceCounts",
    "SiteReport",
    "chapters",
    "key_groups",
    "key_state",
    "key_words",
    "reads_words",
    "render_site",
]
