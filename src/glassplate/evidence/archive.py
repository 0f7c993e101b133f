"""The package as one zip file of one form, so that no byte of it is nobody's (``docs/formats/evidence.md``).

Nothing is compressed: sizes are what they say, and there is no bomb. A file is read only if writing its content again
gives the same bytes, so that nothing hides before, between or behind the members, in a comment or an extra field.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import InputRefused, ProofFailed
from glassplate.log import open_note, sign_note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glassplate.log import SigningKey, VerifierKey

MANIFEST = "manifest.note"
MANIFEST_VERSION = "glassplate-evidence/v1"
MAX_PACKAGE_BYTES = 64 * 1024 * 1024  # 100 reads with their pictures have some 10
MAX_FILES = 1_000  # three a read, two an entry, six a charter
_NAME = re.compile(
    r"manifest\.note|evidence\.json|court\.pdf"
    r"|charter/[1-9]\d{0,8}/(?:root|offices|charter)\.json|charter/[1-9]\d{0,8}/(?:base|overlay)\.cedar"
    r"|charter/[1-9]\d{0,8}/schema\.cedarschema"
    r"|entries/\d{1,12}\.(?:leaf|promise|tlog-proof)"
    r"|reads/[0-9a-f]{32}(?:\.json|-crop\.jpg|-scene\.jpg)",
    re.ASCII,
)
_DATE = (1980, 1, 1, 0, 0, 0)  # the format's zero: a package says its time inside, where it is signed
_UNIX = 3
_MODE = 0o600 << 16


def build_archive(files: Mapping[str, bytes]) -> bytes:
    """The zip file of these files; the same files give the same bytes.

    Raises:
        InputRefused: too many or too large for a package, or a name that no file of one has.
    """
    _check_names(list(files))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, files[name])
    data = buffer.getvalue()
    if len(data) > MAX_PACKAGE_BYTES:
        raise InputRefused(
            f"The package would have {len(data):,} bytes; at most {MAX_PACKAGE_BYTES:,}. Export fewer reads."
        )
    return data


def parse_archive(data: bytes) -> dict[str, bytes]:
    """The files of a package, none of which is believed yet.

    Raises:
        InputRefused: saying what is wrong; nothing was written or unpacked.
    """
    if len(data) > MAX_PACKAGE_BYTES:
        raise InputRefused(f"The package has more than {MAX_PACKAGE_BYTES:,} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_names([member.filename for member in members])
            _check_members(members, len(data))
            files = {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, struct.error, zlib.error, EOFError, OSError) as error:
        raise InputRefused(f"This is no evidence package: {error}.") from None
    except (ValueError, NotImplementedError, RuntimeError, OverflowError, UnicodeError) as error:
        raise InputRefused(
            f"This is no evidence package: its form is another one ({type(error).__name__})."
        ) from None
    if build_archive(files) != data:
        raise InputRefused("The package holds bytes that belong to none of its files.")
    return files


def sign_manifest(files: Mapping[str, bytes], key: SigningKey) -> bytes:
    """The signed list of every other file: SHA-256, size and name of each, in order of names."""
    lines = [f"{sha256_hex(files[name])} {len(files[name])} {name}\n" for name in sorted(files)]
    return sign_note(f"{MANIFEST_VERSION}\n{''.join(lines)}", [key])


def check_manifest(files: Mapping[str, bytes], key: VerifierKey) -> list[str]:
    """What is wrong with the files, by the manifest that ``key`` signed: changed, missing and surplus ones.

    Raises:
        ProofFailed: there is no manifest, or it is not signed by ``key`` alone.
    """
    note = files.get(MANIFEST)
    if note is None:
        raise ProofFailed("It has no signed list of its files.")
    text = open_note(note, demand=key).text
    if note.rpartition(b"\n\n")[2].count(b"\n") != 1:
        raise ProofFailed("Its list of files carries a second signature, which nobody expects.")
    version, *lines = text.removesuffix("\n").split("\n")
    if version != MANIFEST_VERSION:
        raise ProofFailed(f"Its list of files is not of version {MANIFEST_VERSION}.")
    listed = {line.partition(" ")[2].partition(" ")[2]: line for line in lines}
    problems = [f"{name}: the signed list names it; it is missing" for name in listed if name not in files]
    for name in sorted(set(files) - {MANIFEST}):
        if name not in listed:
            problems.append(f"{name}: the signed list does not name it; it was added")
        elif listed[name] != f"{sha256_hex(files[name])} {len(files[name])} {name}":
            problems.append(f"{name}: it was changed after signing")
    return problems


def _check_names(names: list[str]) -> None:
    if len(names) > MAX_FILES:
        raise InputRefused(f"A package has at most {MAX_FILES:,} files.")
    if len(set(names)) != len(names):
        raise InputRefused("A file stands twice in the package.")
    for name in names:
        if not _NAME.fullmatch(name):
            raise InputRefused(f"No file of an evidence package is called {name[:80]!r}.")


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise InputRefused("A file in the package is compressed; none of ours is.")
    if sum(member.file_size for member in members) > size:
        raise InputRefused("The files in the package claim more bytes than it has.")
