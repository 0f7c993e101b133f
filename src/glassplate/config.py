"""Operational settings of one city folder: ``D/settings.toml``. Rules are not settings; they live in the charter."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from glassplate.errors import UsageError

DEMO_AAGUID = (
    "676c6173-7370-6c61-7465-2d64656d6f30"  # "glassplate-demo0": what a demo's software passkey is called
)
KEYRINGS = ("file", "pkcs11")
SETTINGS_NAME = "settings.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9.\-/]{0,99}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Ports, addresses and names; every key may be left out."""

    log_origin: str = "exampleville.example/glassplate"
    host: str = "127.0.0.1"
    rp_id: str = "localhost"
    officer_port: int = 8101
    oversight_port: int = 8102
    public_port: int = 8103
    camera_networks: str = ""
    camera_megabytes_per_hour: int = 1_000
    time_source: str = ""
    keyring: str = "file"
    hsm_module: str = ""
    hsm_token: str = ""
    hsm_slot: str = ""
    mirror: str = ""
    backup_folder: str = ""

    @property
    def officer_origin(self) -> str:
        """Where the officer face is reached; passkeys are bound to it."""
        return f"http://{self.rp_id}:{self.officer_port}"

    @property
    def oversight_origin(self) -> str:
        """Where the oversight face is reached."""
        return f"http://{self.rp_id}:{self.oversight_port}"

    @property
    def public_origin(self) -> str:
        """Where the public folder is served."""
        return f"http://{self.rp_id}:{self.public_port}"

    def to_toml(self) -> str:
        """The file's text."""
        lines = ["# Glassplate operational settings. Rules are in the signed charter, never here."]
        for item in fields(self):
            value = getattr(self, item.name)
            lines.append(
                f"{item.name} = {json.dumps(value, ensure_ascii=False)}"
            )  # TOML spells these two as JSON does
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class CityFolder:
    """Where things lie below ``D``."""

    root: Path

    @property
    def public(self) -> Path:
        """Served as it is."""
        return self.root / "public"

    @property
    def vault(self) -> Path:
        """The vault's own."""
        return self.root / "vault"

    @property
    def socket(self) -> Path:
        """Where the vault answers."""
        return self.vault / "vault.sock"

    @property
    def settings_file(self) -> Path:
        """Operational settings."""
        return self.root / SETTINGS_NAME

    @property
    def unlock_file(self) -> Path:
        """Default place of the passphrase (demo and trial charters only)."""
        return self.root / "unlock.secret"

    def lane(self, camera_id: str) -> Path:
        """A lane's own folder."""
        return self.root / "lane" / camera_id


def load_settings(folder: CityFolder) -> Settings:
    """Read ``settings.toml``; unknown keys are errors.

    Raises:
        UsageError: naming the file, the key and what is wrong.
    """
    path = folder.settings_file
    if not path.exists():
        raise UsageError(
            f"{folder.root} is not a Glassplate folder (no {SETTINGS_NAME}). Make one: glassplate init --dir {folder.root}"
        )
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
    known = {item.name: item.type for item in fields(Settings)}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{path}: unknown setting {name!r}. Known: {', '.join(sorted(known))}.")
        wanted = int if known[name] == "int" else str
        if type(value) is not wanted:
            raise UsageError(f"{path}: {name} must be {'a whole number' if wanted is int else 'text'}.")
    settings = Settings(**values)
    for is_right, words in _rules(settings):
        if not is_right:
            raise UsageError(f"{path}: {words}")
    return settings


def _rules(settings: Settings) -> list[tuple[bool, str]]:
    """Whether each setting makes sense, and what it must be."""
    source, slot, mirror = settings.time_source, settings.hsm_slot, settings.mirror
    return [
        (settings.camera_megabytes_per_hour >= 1, "camera_megabytes_per_hour must be 1 or more."),
        (
            settings.keyring in KEYRINGS,
            f"keyring is {settings.keyring!r}; choose one of {', '.join(KEYRINGS)}.",
        ),
        (
            not source or re.fullmatch(r"https://[^\s@]{1,300}", source) is not None,
            "time_source is an address that begins with https://, or empty.",
        ),
        (
            not slot or re.fullmatch(r"[0-9]{1,19}", slot) is not None,
            "hsm_slot is a slot's number in quotes, or empty.",
        ),
        (
            not mirror or Path(mirror).is_absolute(),
            "mirror is the whole path of a folder on another disk, such as /mnt/glassplate-mirror, or empty.",
        ),
        (
            not settings.backup_folder or settings.backup_folder.startswith("/"),
            "backup_folder is a folder's whole path, from / on, or empty.",
        ),
        (
            _NAME.fullmatch(settings.log_origin) is not None,
            "log_origin must be a schema-less URL in lower case, such as city.example/glassplate.",
        ),
    ]
