"""``glassplate charter``: show, draft, sign, install; keys for offices and cameras.

Drafting and signing work without a vault, on the signer's own computer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from glassplate.build_identity import build_sha256
from glassplate.charter import (
    OFFICES,
    Charter,
    OfficePrivateKey,
    OfficePublicKey,
    build_stop,
    demand_shipped_rules,
    draft,
    missing_offices,
    sample_charter,
    shipped_policy,
    sign,
    verify_charter,
)
from glassplate.charter.documents import open_documents
from glassplate.charter.vocabulary import MARKS
from glassplate.cli.connection import vault_client
from glassplate.cli.console import confirm, emit, say, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.config import load_settings
from glassplate.encoding import sha256_hex
from glassplate.errors import CharterRejected, InputRefused, UsageError
from glassplate.files import LocalFiles

if TYPE_CHECKING:
    from glassplate.charter.vocabulary import Mark
    from glassplate.records import CharterSummary

MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
_verbs = typer.Typer(help="The charter: show, draft, sign, install, keys.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="charter")


@_verbs.command("keygen", epilog="Example: glassplate charter keygen clerk --out /media/usb/clerk.key")
def keygen(
    office: Annotated[str, typer.Argument(help="clerk, chief or auditor")],
    out: Annotated[Path, typer.Option(help="Where to write the private key: the signer's own medium.")],
    json: Json = False,
) -> None:
    """Make an office's signing key and print its fingerprint for the ordinance."""
    del json
    if office not in OFFICES:
        raise UsageError(f"Offices are {', '.join(OFFICES)}.")
    if out.exists():
        raise UsageError(f"{out} exists; an office's key is never overwritten.")
    key = OfficePrivateKey.generate()
    LocalFiles().write_atomic(out, key.to_pem(), mode=0o600)
    public = key.public
    emit(
        {
            "office": office,
            "file": str(out),
            "public_key": public.to_text(),
            "fingerprint": public.fingerprint,
        },
        [
            f"Wrote {out}.",
            f"  public key   {public.to_text()}",
            f"  fingerprint  {public.fingerprint}   (print this in the ordinance)",
        ],
    )


@_verbs.command("camera-key", epilog="Example: glassplate charter camera-key court-16th")
def camera_key(
    camera_id: Annotated[str, typer.Argument(help="Short id, such as court-16th.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Make a lane's signing key; the charter lists its public half."""
    del json
    from glassplate.seal import CameraKey

    path = city(directory).lane(camera_id) / "camera.key"
    if path.exists():
        raise UsageError(f"{path} exists; a camera's key is never overwritten.")
    key = CameraKey.generate()
    key.save(path, LocalFiles())
    emit(
        {"camera_id": camera_id, "public_key": key.public_text, "file": str(path)},
        [
            f"Wrote {path}.",
            f"  for the charter: --camera {camera_id}={key.public_text}='Name of the place'",
        ],
    )


@_verbs.command(
    "draft",
    epilog="Example: glassplate charter draft --out draft --city Exampleville --agency 'exampleville-pd=Exampleville "
    "Police' --office clerk=ed25519:… --office chief=ed25519:… --office auditor=ed25519:… --auditor-key ID=KEY "
    "--auditor-key ID=KEY --camera 'court-16th=KEY=Court Street at 16th'",
)
def draft_charter(
    out: Annotated[Path, typer.Option(help="Folder for the unsigned documents.")],
    city_name: Annotated[str, typer.Option("--city", help="Name of the city.")],
    agency: Annotated[str, typer.Option(help="id=Name of the one agency.")],
    office: Annotated[list[str], typer.Option(help="office=public key, once for each office.")],
    auditor_key: Annotated[
        list[str], typer.Option(help="key id=public key (glassplate audit keygen); two or more.")
    ],
    camera: Annotated[list[str], typer.Option(help="id=public key=Name; may be repeated.")],
    mark: Annotated[str, typer.Option(help="demo, trial or production")] = "trial",
    days: Annotated[int, typer.Option(min=1, max=1096, help="How long the authorization lasts.")] = 365,
    from_json: Annotated[
        Path | None,
        typer.Option("--from", help="Take the rules from this charter JSON instead of the sample."),
    ] = None,
    overlay: Annotated[Path | None, typer.Option(help="The city's own prohibitions (Cedar).")] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(help="address=verifier key of a witness, or its .vkey file; may be repeated."),
    ] = None,
    witness_quorum: Annotated[
        int | None, typer.Option(min=1, help="How many witnesses must cosign. Default: more than half.")
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="Recognizer whose reads are accepted; may be repeated. Default: glassplate."),
    ] = None,
    build: Annotated[
        list[str] | None,
        typer.Option(help="SHA-256 of software that may run; may be repeated. Default: of this software."),
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Write an unsigned charter for the city in --dir. Edit the sample's rules with --from."""
    del json
    folder = city(directory)
    policy = shipped_policy(_text(overlay)) if overlay else shipped_policy()
    now = datetime.now(UTC)
    if from_json:
        charter = Charter.from_json(_text(from_json))
    else:
        charter = sample_charter(
            mark=_mark(mark),
            city=city_name,
            agency=_pair(agency, "--agency id=Name"),
            not_before=now,
            days=days,
            origin=load_settings(folder).log_origin,
            log_vkey=(folder.public / "log" / "vkey").read_text().strip(),
            bundle_vkey=(folder.public / "bundle.vkey").read_text().strip(),
            auditor_keys=dict(_pair(part, "--auditor-key id=key") for part in auditor_key),
            cameras=[_camera(part) for part in camera],
            recognizers=_recognizer_versions(engine),
            builds=tuple(build) if build else (build_sha256(),),
            witnesses=(named := [_witness(part) for part in witness or []]),
            witness_quorum=witness_quorum or (len(named) // 2 + 1 if named else 0),
            policy=policy,
        )
    keys = {
        name: (OfficePublicKey.from_text(text),)
        for name, text in (_pair(part, "--office name=key") for part in office)
    }
    documents = draft(charter, keys, policy)  # type: ignore[arg-type]
    write_documents(out, documents)
    write = LocalFiles().write_atomic
    write(out / "charter.txt", ("\n".join(charter.explain()) + "\n").encode())
    emit(
        {"folder": str(out), "digest": digest(documents), "explanation": charter.explain()},
        [
            *map(shown, charter.explain()),
            "",
            f"Written to {out}. Digest: {digest(documents)}",
            "Next: each office runs glassplate charter sign.",
        ],
    )


@_verbs.command("sign", epilog="Example: glassplate charter sign draft --key /media/usb/clerk.key")
def sign_charter(
    folder: Annotated[Path, typer.Argument(help="Folder with the documents.")],
    key: Annotated[Path, typer.Option(help="The office's private key.")],
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Read the charter in plain words, then sign it with one office's key. Do this on the signer's own computer."""
    del json
    documents = read_documents(folder)
    opened = open_documents(documents)
    charter = Charter.from_plain(opened.plain_charter())
    demand_shipped_rules(opened.policy)
    for sentence in charter.explain():
        say(f"  {shown(sentence)}")
    say(f"Digest: {digest(documents)}")
    confirm(f"Sign version {charter.version} of {shown(charter.city)}?", yes=yes)
    signed = sign(documents, OfficePrivateKey.from_pem(key.read_bytes()))
    write_documents(folder, signed)
    missing = missing_offices(signed)
    emit(
        {"folder": str(folder), "digest": digest(documents), "missing": list(missing)},
        f"Signed. Still missing: {', '.join(missing)}."
        if missing
        else "Signed by all offices; install it now.",
    )


@_verbs.command("install", epilog="Example: glassplate charter install draft")
def install(
    folder: Annotated[Path, typer.Argument(help="Folder with the signed documents.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Put a signed charter into force."""
    del json
    documents = read_documents(folder)
    _demand_signatures(documents, folder)
    with vault_client(city(directory), signed_in=False, unlock=unlock) as client:
        receipt = client.install_charter(documents)
        summary = client.charter()
    emit(
        receipt, f"Charter version {summary.version} is in force, recorded as entry {receipt.entry_index:,}."
    )


@_verbs.command(
    "stop", epilog="Example: glassplate charter stop --key /media/usb/clerk.key --reason 'Audit found misuse'"
)
def stop(
    key: Annotated[Path, typer.Option(help="The private key of any one office.")],
    reason: Annotated[str, typer.Option(help="One sentence for the record.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Stop capture and search at once, by one office alone. Starting again takes a new charter signed by all."""
    del json
    folder = city(directory)
    confirm(
        "Stop capture and search now? Only a new charter, signed by every office, starts them again.", yes=yes
    )
    with vault_client(folder, signed_in=False, unlock=unlock) as client:
        version = client.charter().version
        documents = read_documents(folder.public / "charter" / str(version))
        verified = verify_charter(documents, now=None, last_version=version - 1)
        office_key = OfficePrivateKey.from_pem(key.read_bytes())
        receipt = client.stop(build_stop(office_key, reason, datetime.now(UTC), verified=verified))
    emit(receipt, f"Stopped, recorded as entry {receipt.entry_index:,}.")


@_verbs.command("show", epilog="Example: glassplate charter show")
def show(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """The charter in force, in plain words."""
    del json
    with vault_client(city(directory), signed_in=False, unlock=unlock) as client:
        summary = client.charter()
    emit(summary, list(_summary_lines(summary)))


def _demand_signatures(documents: dict[str, str], folder: Path) -> None:
    """A friendly word before the vault's strict one, which would name the first file only."""
    if missing := missing_offices(documents):
        raise CharterRejected(
            f"The charter in {folder} lacks the signature of: {', '.join(missing)}. "
            f"Each office runs: glassplate charter sign {folder} --key THEIR.key",
            ("charter-signatures",),
        )


def read_documents(folder: Path) -> dict[str, str]:
    """The charter's six files from a folder.

    Raises:
        InputRefused: when one cannot be read.
    """
    names = ("root.json", "offices.json", "charter.json", "base.cedar", "overlay.cedar", "schema.cedarschema")
    return {name: _text(folder / name) for name in names}


def write_documents(folder: Path, documents: dict[str, str]) -> None:
    """Write the documents, each whole or not at all."""
    for name, text in documents.items():
        LocalFiles().write_atomic(folder / name, text.encode())


def digest(documents: dict[str, str]) -> str:
    """What signers compare aloud: the hash of what is signed, which signatures do not change."""
    return sha256_hex(open_documents(documents).charter.signed_bytes)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()[: MAX_DOCUMENT_BYTES + 1]
        if len(data) > MAX_DOCUMENT_BYTES:
            raise InputRefused(f"{path} is larger than {MAX_DOCUMENT_BYTES} bytes.")
        return data.decode()
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputRefused(f"{path} is not text in UTF-8.") from None


def _pair(text: str, form: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"{text!r}: write {form}.")
    return name.strip(), value.strip()


def _mark(text: str) -> Mark:
    if text not in MARKS:
        raise UsageError(f"Marks are {', '.join(MARKS)}; got {text!r}.")
    return cast("Mark", text)


def _camera(text: str) -> tuple[str, str, str]:
    parts = text.split("=", 2)
    if len(parts) != 3:  # noqa: PLR2004 - the three parts of the form below
        raise UsageError(f"{text!r}: write --camera id=public key=Name.")
    return parts[0], parts[2], parts[1]


def _witness(text: str) -> tuple[str, str]:
    url, vkey = _pair(text, "--witness https://address=verifier key")
    path = Path(vkey)
    return (_text(path).strip() if path.suffix == ".vkey" else vkey), url


def _recognizer_versions(engines: list[str] | None) -> tuple[str, ...]:
    from glassplate.recognize.engines import DEFAULT_ENGINE, engine
    from glassplate.recognize.scenes import shipped_version, stored_version

    named = [engine(name) for name in engines or [DEFAULT_ENGINE]]
    return tuple(dict.fromkeys(stored_version(one, shipped_version()) for one in named))


def _summary_lines(summary: CharterSummary) -> list[str]:
    from glassplate.site import chapters

    lines = [f"[bold]{shown(summary.city)}: charter version {summary.version}[/] ({summary.mark})"]
    for chapter in chapters(summary):
        lines += [
            f"[bold]{shown(chapter.title)}[/]",
            *(f"  {shown(sentence)}" for sentence in chapter.sentences),
        ]
    lines += [
        "[bold]Words for a search[/]",
        f"  purposes   {', '.join(name for name, _ in summary.purposes)}",
    ]
    lines.append(f"  offenses   {', '.join(name for name, _ in summary.offenses)}")
    return lines
