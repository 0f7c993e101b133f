"""Exports: reads leave the system as a signed package of evidence, streamed to the requester and kept nowhere.

    (1) who      a live session                                                     `Gate.who`
    (2) may      reads of one's own search or the case's hold; charter + Cedar, a
                 supervisor's approval and an auditor's: asked where missing        `Authorizer.authorize`
    (3) record   entry ``export``: who, who approved, case, read ids                `Recorder.record`
    (4) open     just those reads and their pictures                                `Gate.kept_reads`, `Holds.reads_of`
    (5) make     the package: reads, receipts, charter, page for the court, signed  `evidence`
    (6) outcome  entry ``export-outcome``: the package's SHA-256, in public         `Recorder.record`
    (7) answer   the receipt first

If we stop between (3) and (6), the entry stands and nothing was handed out: the record may claim more than left,
never less. The package exists in memory only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from glassplate.asked_page import case_words
from glassplate.charter import OFFICES
from glassplate.encoding import sha256_hex
from glassplate.errors import KeyDestroyed, KeyUnavailable, UsageError
from glassplate.evidence.archive import MANIFEST, build_archive, sign_manifest
from glassplate.evidence.bound import request_sha256
from glassplate.evidence.court_page import made_with, page_of
from glassplate.evidence.document import (
    EvidenceDocument,
    EvidenceEntry,
    EvidenceRead,
    Inclusion,
    Role,
)
from glassplate.evidence.facts import recognizer_facts, redaction_facts
from glassplate.evidence.requests import MAX_EXPORT_READS, bound_words, check_export_request
from glassplate.log import leaf_hash
from glassplate.log.merkle import inclusion_proof, nodes_of, root_of
from glassplate.records import EvidencePackage
from glassplate.registry.operations import USES_APPROVAL
from glassplate.seal.read_format import encode_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from glassplate.approvals import Approvals
    from glassplate.authorize import Authorizer, Permission
    from glassplate.gate import Gate
    from glassplate.hold import Holds
    from glassplate.keys import Keyring
    from glassplate.log import SigningKey, TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import ActSignature, ExportRequest, KeptRead, Receipt, Session
    from glassplate.registry import Registry
    from glassplate.store import Store

MOST_EXTENSIONS = 20  # of one hold, followed back to the search it came from
_DECISION = ("policy_sha256", "engine_version", "charter_version", "cedar_request", "cedar_entities")
_CASE = ("purpose", "offense", "case_number", "declared_use", "on_behalf_of")
_SHOWN: dict[Role, tuple[str, ...]] = {
    "search": (
        *(
            "at",
            "kind",
            "plate",
            "bodies",
            "colors",
            "since",
            "until",
            "camera_ids",
            "feature",
            "warrant",
            "page",
        ),
        *("page_of", *_CASE),
        *("account_id", "display_name", "organization", "sign_in_method", *_DECISION),
    ),
    "search-outcome": ("at", "search_index", "account_id", "outcome", "reads_shown", "read_ids"),
    "hold": (
        *(
            "at",
            "account_id",
            "hold_id",
            "authority",
            "reason",
            "until",
            "read_ids",
            "search_index",
            "alert_id",
        ),
        *("extends", "camera_ids", "since", "scope_until", *_CASE, *_DECISION),
    ),
    "hold-outcome": ("at",),
    "export": (
        *(
            "at",
            "account_id",
            "approvers",
            "approval",
            "reason",
            "read_ids",
            "search_index",
            "hold_id",
            *_CASE,
        ),
        *_DECISION,
    ),
    "epoch-closed": (),
}
"""What each kind of entry discloses to the court: everything that says who, what for and by which rule."""


@dataclass(frozen=True, slots=True)
class Exports:
    """Makes packages. Callable from several threads at once."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    mandate: Mandate
    keyring: Keyring
    store: Store
    log: TransparencyLog
    gate: Gate
    holds: Holds
    approvals: Approvals
    publisher: SigningKey = field(repr=False)

    def make(
        self, token: str | None, request: ExportRequest, signature: ActSignature | None = None
    ) -> EvidencePackage:
        """Hand out reads as evidence.

        Raises:
            NotSignedIn, Refused, CharterRejected: policy, or the source is not one's own; recorded.
            SignatureNeeded: it is approved, and the person's own passkey must sign exactly this; recorded.
            UsageError: the request's words are off; nothing was recorded.
            KeyDestroyed: a read no longer exists; nothing is handed out.
            LogUnavailable: nothing is handed out.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)  # (1)
        check_export_request(request)
        words = self._source(session, request, now)
        account_id = session.account.account_id
        told = {
            "reason": request.reason,
            "read_ids": list(request.read_ids),
            "search_index": request.search_index,
            "hold_id": request.hold_id,
        }
        with self.gate.admitting:  # from the look at an approval to its use: it is used once
            asked = bound_words(request)
            act_sha256 = request_sha256("export", account_id, asked)
            consent = self.approvals.consent(act_sha256)
            permission = self.authorizer.authorize(  # (2)
                session,
                "export",
                "export",
                now,
                recorded=told,
                ask=lambda: self.approvals.ask(session, "export", asked),
                approvals=consent.approvals,
                **words,
            )
            signed = self.approvals.signatures.demand(session, "export", act_sha256, signature, now)
            approvers = [approval.account_id for approval in consent.approvals[:2]]
            receipt = self.recorder.record(  # (3)
                "export",
                {
                    **words,
                    **told,
                    "account_id": account_id,
                    "approvers": approvers,
                    "approval": consent.request_id,
                    **signed.fields,
                    **permission.replayable(),
                },
                at=now,
                operation={
                    **signed.operation,
                    "kind": "counted",
                    "counts": {"exports asked": 1},
                    USES_APPROVAL: consent.request_id,
                },
            )
        reads = self._open(request)  # (4)
        package = self._package(request, receipt, reads, account_id, approvers, permission)  # (5)
        sha256 = sha256_hex(package)
        self.recorder.record(  # (6)
            "export-outcome",
            {
                "export_index": receipt.entry_index,
                "account_id": account_id,
                "read_ids": [kept.read.read_id for kept in reads],
                "bytes": len(package),
            },
            at=now,
            public={"reads": str(len(reads)), "package_sha256": sha256},
            operation={"kind": "counted", "counts": {"exports": 1, "reads exported": len(reads)}},
        )
        return EvidencePackage(self.recorder.settle(receipt), len(reads), sha256, package)  # (7)

    # --- steps ---------------------------------------------------------------------------------------------------

    def _source(self, session: Session, request: ExportRequest, now: datetime) -> dict[str, Any]:
        if request.search_index is not None:
            search = self.gate.shown_search(session, "export", request.search_index, request.read_ids, now)
            words = case_words(search)
        else:
            stored = self.holds.of(session, "export", request.hold_id or "", request.case_number, now)
            words = self.holds.words_of(stored)
        if words["case_number"] != request.case_number:
            message = "The search was made for another case number. Search for this case, then export what it shows."
            raise self.authorizer.refusal(session, "export", "hold-case", message, now)
        return words

    def _open(self, request: ExportRequest) -> list[KeptRead]:
        if request.search_index is not None:
            return self.gate.kept_reads(request.read_ids)
        stored = self.registry.hold(request.hold_id or "")
        assert stored is not None  # noqa: S101 - step (2) found it
        wanted = (
            kept
            for kept in self.holds.reads_of(stored)
            if not request.read_ids or kept.read.read_id in request.read_ids
        )
        reads = list(islice(wanted, MAX_EXPORT_READS + 1))
        if len(reads) > MAX_EXPORT_READS:
            raise UsageError(f"The hold has more than {MAX_EXPORT_READS} reads; name those that are needed.")
        if not reads or len(reads) < len(set(request.read_ids)):
            raise UsageError("The hold does not keep all of these reads.")
        return reads

    def _package(
        self,
        request: ExportRequest,
        receipt: Receipt,
        reads: Sequence[KeptRead],
        account_id: str,
        approvers: list[str],
        permission: Permission,
    ) -> bytes:
        inclusions = [self._inclusion(kept) for kept in reads]
        closings = sorted({inclusion.entry for inclusion in inclusions if inclusion is not None})
        chain: list[tuple[Role, int]] = [
            *self._chain(request),
            ("export", receipt.entry_index),
            *(("epoch-closed", index) for index in closings),
        ]
        charter = self.mandate.last().verified.charter
        document = EvidenceDocument(
            v=1,
            city=charter.city,
            agency_id=charter.agency.id,
            agency=charter.agency.name,
            case_number=request.case_number,
            reason=request.reason,
            exported_at=receipt.recorded_at.isoformat(),
            requester=account_id,
            approvers=approvers,
            charter_version=permission.charter_version,
            policy_sha256=permission.policy_sha256,
            log_origin=self.log.origin,
            office_fingerprints={office: self.mandate.trusted_fingerprints()[office] for office in OFFICES},
            entries=[self._entry(role, index) for role, index in chain],
            reads=[_described(kept, inclusion) for kept, inclusion in zip(reads, inclusions, strict=True)],
            recognizers=[recognizer_facts(name) for name in sorted({kept.read.recognizer for kept in reads})],
            redaction=redaction_facts(reads),
            page_made_with=made_with(),
        )
        files = {"evidence.json": document.to_json(), **self._charters(chain), **_read_files(reads)}
        for _role, index in chain:
            files |= self._entry_files(index)
        files["court.pdf"] = page_of(document, reads)
        files[MANIFEST] = sign_manifest(files, self.publisher)
        return build_archive(files)

    def _chain(self, request: ExportRequest) -> list[tuple[Role, int]]:
        """The entries that lead to this export, oldest first: search, what it showed, holds and what they kept."""
        search_index, hold_id = request.search_index, request.hold_id
        chain: list[tuple[Role, int]] = []
        for _ in range(MOST_EXTENSIONS):
            stored = self.registry.hold(hold_id) if hold_id else None
            if stored is None or stored.kept_index is None:
                break
            fields = self.recorder.open_body(stored.entry_index).fields
            chain = [("hold", stored.entry_index), ("hold-outcome", stored.kept_index), *chain]
            search_index, hold_id = fields["search_index"], fields["extends"]
        search = self.registry.search(search_index) if search_index is not None else None
        if search is not None and search.outcome_index is not None:
            chain = [("search", search.entry_index), ("search-outcome", search.outcome_index), *chain]
        return chain

    def _entry(self, role: Role, index: int) -> EvidenceEntry:
        names = _SHOWN[role]
        return EvidenceEntry(index, role, self.recorder.open_body(index).disclose(names) if names else [])

    def _entry_files(self, index: int) -> dict[str, bytes]:
        """The leaf, and its proof where it is published, else the log's promise."""
        leaf = {f"entries/{index}.leaf": self.log.record(index).leaf}
        if index < self.log.published_size:
            return leaf | {f"entries/{index}.tlog-proof": self.log.proof(index)}
        promise = self.log.promise(index, self.recorder.now())
        return leaf | {f"entries/{index}.promise": promise.encode()}

    def _charters(self, chain: Sequence[tuple[Role, int]]) -> dict[str, bytes]:
        """Every charter under which something in the chain was decided, as signed."""
        bodies = (self.recorder.open_body(index).fields for role, index in chain if _SHOWN[role])
        versions = {fields["charter_version"] for fields in bodies if "charter_version" in fields}
        return {
            f"charter/{version}/{name}": text.encode()
            for version in sorted(versions)
            for name, text in self.mandate.documents_of(version).items()
        }

    def _inclusion(self, kept: KeptRead) -> Inclusion | None:
        """Where the day's closing counts the sealed original; None while it is open, or when it came late or was held."""
        logged = self.registry.epoch(kept.epoch_id)
        if logged is None or logged.closed_index is None:
            return None
        try:
            key = self.keyring.secret(kept.epoch_id).segment_key(0)
        except (KeyDestroyed, KeyUnavailable):
            return None
        closed_root = self.recorder.open_body(logged.closed_index).public["reads_root"]
        for hashes in self.store.sealed_hashes(kept.epoch_id, key).values():
            leaves = [leaf_hash(value) for value in hashes]
            nodes, own = nodes_of(leaves), bytes.fromhex(kept.sealed_sha256)
            if own in hashes and root_of(leaves).hex() == closed_root:
                at = hashes.index(own)
                path = [value.hex() for value in inclusion_proof(nodes, at, len(leaves))]
                return Inclusion(logged.closed_index, at, len(leaves), path)
        return None


def _described(kept: KeptRead, inclusion: Inclusion | None) -> EvidenceRead:
    return EvidenceRead(
        read_id=kept.read.read_id,
        camera_name=kept.camera_name,
        epoch_id=kept.epoch_id,
        sealed_sha256=kept.sealed_sha256,
        has_scene=kept.scene_jpeg is not None,
        inclusion=inclusion,
    )


def _read_files(reads: Sequence[KeptRead]) -> dict[str, bytes]:
    files = {}
    for kept in reads:
        name = f"reads/{kept.read.read_id}"
        files[f"{name}.json"] = encode_read(kept.read)
        files[f"{name}-crop.jpg"] = kept.crop_jpeg
        if kept.scene_jpeg is not None:
            files[f"{name}-scene.jpg"] = kept.scene_jpeg
    return files
