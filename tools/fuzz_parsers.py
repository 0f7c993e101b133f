"""Every parser of strangers' bytes under atheris, guided by coverage. ``make fuzz`` (FUZZ_SECONDS=20 for each).

A parser may raise what it documents and nothing else; what else it raises is printed with the bytes, which stay in
``build/fuzz/NAME/``, so that the next run begins with them. The tests do the same with hypothesis, shorter and without
coverage.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import atheris  # from tools/fuzz.txt, in an environment of its own

with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["glassplate"]):
    from glassplate.auditing.receipt import check_receipt
    from glassplate.encoding import base64url, canonical_json
    from glassplate.errors import GlassplateError
    from glassplate.log import (
        Checkpoint,
        Commitment,
        Promise,
        SigningKey,
        TlogProof,
        VerifierKey,
        check_disclosure,
        disclosure,
        leaf_bytes,
        open_checkpoint,
        open_note,
        open_promise,
        parse_leaf,
        sign_checkpoint,
        verify_proof,
    )
    from glassplate.log.promise import sign_promise
    from glassplate.log.tiles import bundle_bytes, parse_bundle
    from glassplate.review import read_exports
    from glassplate.seal import AuditorKey
    from glassplate.seal.body import body_info, seal_body
    from glassplate.site import verify as single_file
    from glassplate.verify.bodies import open_with_commitment_key

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 4096  # bytes of one input; every format here is lines or JSON, and longer ones only repeat
FOLDER = Path("build/fuzz")
SIGNER = SigningKey.from_seed("log.example", bytes(32))
AUDITOR = AuditorKey.generate()
K = bytes(32)
PUBLIC = {"type": "act"}
LEAF = leaf_bytes(PUBLIC, Commitment.of({"name": "value"}, K), {AUDITOR.key_id: bytes(32)})
NOTE = sign_checkpoint(Checkpoint(SIGNER.name, 1, bytes(32)), SIGNER)
BODY = canonical_json({"v": 1, "pub": PUBLIC, "fields": {"name": "value"}, "k": base64url(K)})
PROMISE = sign_promise(Promise(SIGNER.name, 3, bytes(32), datetime(2026, 11, 25, tzinfo=UTC)), SIGNER)
RECEIPT = {
    "v": 1,
    "kind": "glassplate-receipt",
    "leaf": base64url(LEAF),
    "proof": None,
    "promise": PROMISE.decode(),
    "disclosures": [disclosure("name", "value", K)],
    "charter": None,
}
CSV = (
    b"ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type\n"
    b's-1,Officer 1,PD,12,"03/01/2026, 01:00:00 PM UTC",***,burglary,26-1,,"03/08/2026, 01:00:05 PM UTC",lookup\n'
)


def _body(data: bytes) -> None:
    sealed = seal_body(data, AUDITOR.public_text, body_info(PUBLIC))
    open_with_commitment_key(LEAF, sealed, AUDITOR)


def _csv(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        read_exports([Path(file.name)])


def _single_file(data: bytes) -> None:
    key = single_file.parse_key(str(SIGNER.verifier))
    single_file.check_receipt(data, key, [LEAF], single_file.Result())


PARSERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "note": (NOTE, lambda data: open_note(data, demand=SIGNER.verifier)),
    "checkpoint": (NOTE, lambda data: open_checkpoint(data, SIGNER.verifier)),
    "key": (str(SIGNER.verifier).encode(), lambda data: VerifierKey.parse(data.decode("latin-1"))),
    "proof": (
        TlogProof(0, (bytes(32),), NOTE).to_bytes(),
        lambda data: verify_proof(data, SIGNER.verifier, LEAF),
    ),
    "promise": (PROMISE, lambda data: open_promise(data, SIGNER.verifier)),
    "tile": (bundle_bytes([LEAF, b"", b"x" * 300]), lambda data: parse_bundle(data, 3, "a bundle")),
    "leaf": (LEAF, parse_leaf),
    "disclosure": (
        disclosure("name", "value", K).encode(),
        lambda data: check_disclosure(LEAF, data.decode("latin-1")),
    ),
    "body": (BODY, _body),
    "receipt": (
        canonical_json(RECEIPT) + b"\n",
        lambda data: check_receipt(data, vkey=str(SIGNER.verifier)),
    ),
    "csv": (CSV, _csv),
    "single-file": (canonical_json(RECEIPT) + b"\n", _single_file),
}
"""Name → honest bytes to begin with, and what is given others."""


def fuzz(name: str, seconds: int) -> None:
    """One parser, until the time is up or it raises what it does not document; ends the process."""
    seed, parse = PARSERS[name]

    def one(data: bytes) -> None:
        with contextlib.suppress(GlassplateError, single_file.Bad):
            parse(data)

    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "honest").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-print_final_stats=1", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/found-", str(corpus)], one)
    atheris.Fuzz()


def main(seconds: int) -> int:
    """All parsers, as many at a time as there are cores; the number of those that failed.

    Each is a fork of this process, because instrumenting the imports anew takes longer than a short run.
    """
    waiting, running, failures = list(PARSERS), dict[int, tuple[str, IO[bytes]]](), 0
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            running.update([_forked(waiting.pop(0), seconds)])
        process_id, status = os.wait()
        name, file = running.pop(process_id)
        with file:
            file.seek(0)
            said = file.read().decode(errors="replace")
        runs = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
        has_failed = status != 0 or not runs
        failures += has_failed
        print(f"{name:12} {int(*runs or ['0']):>12,} inputs  {'FAILED' if has_failed else 'ok'}", flush=True)
        if has_failed:
            print(said[-8000:])
    return failures


def _forked(name: str, seconds: int) -> tuple[int, tuple[str, IO[bytes]]]:
    """The process that fuzzes this parser, with its name and what it says."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - main closes it
    sys.stdout.flush()
    if process_id := os.fork():
        return process_id, (name, file)
    try:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        fuzz(name, seconds)  # libFuzzer ends the process
    except Exception:  # noqa: BLE001 - whatever it is, this process must not go on as its parent does
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [parser, length]:
            fuzz(parser, int(length))
        case [length]:
            sys.exit(main(int(length)))
        case _:
            sys.exit("Give seconds for each parser, or one parser's name and seconds.")
