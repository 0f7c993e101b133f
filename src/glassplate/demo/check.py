"""Chapter 9: an outsider checks the record, a changed copy, and a forger's twin."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from glassplate.auditing import pull_bodies
from glassplate.cli.console import say
from glassplate.cli.verify import lines
from glassplate.demo.ceremony import office_folder
from glassplate.demo.chapters import demonstrate
from glassplate.demo.stage import AUDITOR
from glassplate.demo.twin import build_twin
from glassplate.seal import AuditorKey
from glassplate.verify import verify_city

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from glassplate.demo.stage import Stage


def auditor_pulls(stage: Stage) -> None:
    """The auditor copies the sealed bodies to a folder of their own and has everything published."""
    with stage.person(AUDITOR) as auditor:
        auditor.publish()
        pull_bodies(auditor, auditor.status().log_size, pulled_folder(stage))


def pulled_folder(stage: Stage) -> Path:
    """Where the demo's auditor keeps what was pulled."""
    return office_folder(stage, "auditor") / "pulled"


def outsider_checks(stage: Stage, today: datetime) -> None:
    """Chapter 9."""
    stage.open_chapter("An outsider checks it all, given only the fingerprints and the public folder")
    public = stage.folder.public
    result = verify_city(public, stage.fingerprints, today)
    for line in lines(result):
        say(line)
    demonstrate(result.holds, "the record verifies")
    key = AuditorKey.load(office_folder(stage, "auditor") / "body.key")
    say("  With the auditor's key as well:")
    for fact in _audit(stage, public, today, key):
        if fact not in result.facts:
            say(f"    {fact}")
    _changed_copy(stage, public, today)
    _twin(stage, public, today)


def _audit(stage: Stage, public: Path, today: datetime, key: AuditorKey) -> list[str]:
    folder = pulled_folder(stage)
    result = verify_city(public, stage.fingerprints, today, audit_folder=folder, auditor_key=key)
    late = [finding for finding in result.findings if "not pulled yet" not in finding.what]
    demonstrate(not late, "every pulled body belongs to its entry and opens")
    return result.facts


def _changed_copy(stage: Stage, public: Path, today: datetime) -> None:
    copy = stage.attacks / "changed-copy"
    shutil.copytree(public, copy)
    bundle = max((copy / "log" / "tile" / "entries").rglob("*.p/*"), key=lambda path: int(path.name))
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(bytes(data))
    result = verify_city(copy, stage.fingerprints, today)
    demonstrate(not result.holds, "one changed byte is found")
    say("  A copy in which one byte of one entry was changed:")
    for line in lines(result):
        say(f"  {line}")


def _twin(stage: Stage, public: Path, today: datetime) -> None:
    twin = stage.attacks / "twin"
    forged = build_twin(public, twin, stage.attacks / "twin-work")
    own = verify_city(twin, forged, today)
    demonstrate(own.holds, "the twin is consistent in itself")
    result = verify_city(twin, stage.fingerprints, today)
    demonstrate(not result.holds, "the twin does not verify")
    say(
        "  A twin of the whole record, re-signed with other keys (it holds under the forger's own fingerprints):"
    )
    for line in lines(result):
        say(f"  {line}")


def stolen_segment_stays_shut(stage: Stage, stolen: Path) -> None:
    """Try every key that exists on the thief's copy; runs while no vault does."""
    command = [
        sys.executable,
        "-m",
        "glassplate.vault_process",
        "try-segment",
        "--dir",
        str(stage.folder.root),
    ]
    command += ["--unlock", str(stage.folder.unlock_file), "--segment", str(stolen)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    said = json.loads(done.stdout)
    demonstrate(
        done.returncode == 0 and said["tried"] > 0 and not said["opened"], "no key opens the stolen segment"
    )
    say(
        f"  A thief's copy of the dead day's segment, made while it lived: {said['tried']} keys exist, 0 open it."
    )
