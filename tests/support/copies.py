"""Copies of a city that was made once: each test opens its own vault on its own folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.keys import SettableClock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.city import TestCity


def copy_of(template: TestCity, root: Path) -> TestCity:
    """A city of its own, as ``template`` was when it was closed; not open yet."""
    shutil.copytree(template.root, root, ignore=shutil.ignore_patterns("vault.sock"))
    passkeys = {i: DemoAuthenticator.load(root / "people" / f"{i}.passkey.json") for i in template.passkeys}
    clock = SettableClock(template.clock.wall(), template.clock.boot_seconds())
    return replace(template, root=root, clock=clock, passkeys=passkeys)
