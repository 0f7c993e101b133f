"""A throw-away PostgreSQL cluster of Debian's server, on a Unix socket in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path("/usr/lib/postgresql/15/bin")
USERS = ("postgres", "nobody")  # initdb refuses root
MISSING = (
    "PostgreSQL 15 is not installed: apt-get install postgresql-15 (its contrib modules come with it), "
    "or leave it out with POSTGRES=0."
)
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "1GB",  # about what the store may take; the page cache is shared by both
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "16GB",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "jit": "off",  # compiling costs more than these queries take
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "off",  # everything is vacuumed and analyzed after loading; nothing may start in a measurement
}


@contextlib.contextmanager
def cluster(beside: Path) -> Iterator[Path]:
    """The folder of the running server's socket; everything is gone afterwards, however it ends.

    ``beside``: where the temporary folder is made, so that both engines are on the same disk.

    Raises:
        SystemExit: the server is not installed.
    """
    if not (SERVER / "initdb").exists():
        raise SystemExit(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="bench-postgres-", dir=_reachable(beside)))
    as_user = _as_user(folder)
    data = folder / "data"
    try:
        _run(
            [
                *as_user,
                SERVER / "initdb",
                "-D",
                data,
                "-A",
                "trust",
                "-U",
                "bench",
                "-E",
                "UTF8",
                "--locale=C",
            ]
        )
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        start = [*as_user, SERVER / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        _run([*start, "-o", f"-k {folder} {options}", "start"])
        yield folder
    finally:
        if (data / "postmaster.pid").exists():
            subprocess.run(
                [*as_user, SERVER / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"],
                check=False,
                stdout=subprocess.DEVNULL,
                cwd="/",
            )
        shutil.rmtree(folder, ignore_errors=True)


def resident_mb(folder: Path) -> float:
    """Proportional memory of all processes of the server."""
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    total = 0
    for process in (str(postmaster), *children):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total / 1024, 1)


def _reachable(folder: Path) -> Path:
    """``folder`` when everybody may pass through it, else the machine's temporary folder."""
    folder = folder.resolve()
    is_open = all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
    return folder if is_open or os.geteuid() else Path(tempfile.gettempdir())


def _as_user(folder: Path) -> list[str | Path]:
    """What to put before a command so that root does not run it; ``folder`` becomes that user's."""
    if os.geteuid() != 0:
        return []
    for name in USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return ["runuser", "-u", name, "--"]
    raise SystemExit("PostgreSQL refuses root, and there is neither a user postgres nor nobody.")


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    if done.returncode:
        name = next(part.name for part in command if isinstance(part, Path) and part.parent == SERVER)
        raise SystemExit(f"PostgreSQL's {name} failed:\n{done.stdout}{done.stderr}")
