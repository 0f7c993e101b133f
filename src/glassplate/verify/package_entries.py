"""The entries of the record in a package: each is in the log, says what it discloses, and was decided lawfully."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.charter import check_recorded_charter, replay
from glassplate.errors import GlassplateError, ProofFailed
from glassplate.log import check_disclosure, leaf_hash, open_promise, parse_leaf, verify_proof

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glassplate.charter import VerifiedCharter
    from glassplate.evidence.document import EvidenceDocument
    from glassplate.log import VerifierKey
    from glassplate.verify.findings import Verification

DECIDED = {"search": "search", "hold": "hold", "export": "export"}
"""Role -> the act that the policy was asked about."""


class PackageEntries:
    """Checked entries by index: public half and disclosed fields."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        document: EvidenceDocument,
        log_key: VerifierKey,
        result: Verification,
    ) -> None:
        """Check every entry's place in the log and its disclosures."""
        self._result = result
        self._public: dict[int, dict[str, Any]] = {}
        self.fields: dict[int, dict[str, Any]] = {}
        self.roles = {entry.index: entry.role for entry in document.entries}
        if len(self.roles) != len(document.entries):
            result.find("evidence.json", "it names an entry twice")
        proven = 0
        for entry in document.entries:
            try:
                proven += self._check(files, entry.index, log_key)
                self.fields[entry.index] = self._disclosed(files, entry.index, entry.disclosures)
            except KeyError as missing:
                result.find(f"entry {entry.index}", f"the file {missing} is missing")
            except GlassplateError as error:
                result.find(f"entry {entry.index} ({entry.role})", error)
        promised = len(document.entries) - proven
        result.tell(
            f"{proven} entries stand in the log {log_key.name} under its signed root; for {promised} there is the log's "
            "signed promise, which its next checkpoint must keep."
        )

    def public(self, index: int, role: str) -> dict[str, Any] | None:
        """The public half of a checked entry of this role."""
        return self._public.get(index) if self.roles.get(index) == role else None

    def check_decisions(self, charters: Mapping[int, VerifiedCharter]) -> None:
        """Decide again what was decided; a decision that its own charter would not have made is a finding."""
        for index, role in self.roles.items():
            if role not in DECIDED or index not in self.fields:
                continue
            try:
                self._decide(self.fields[index], DECIDED[role], charters)
            except (KeyError, TypeError) as missing:
                self._result.find(f"entry {index} ({role})", f"its decision lacks {missing}")
            except GlassplateError as error:
                self._result.find(f"entry {index} ({role})", error)
        self._result.tell("Every decision was decided again by the signed policy, and is allowed.")

    def _check(self, files: Mapping[str, bytes], index: int, log_key: VerifierKey) -> bool:
        """True with a proof, False with a promise."""
        leaf = files[f"entries/{index}.leaf"]
        parsed = parse_leaf(leaf)
        if parsed.public.get("type") != self.roles[index]:
            raise ProofFailed(f"it is an entry of type {parsed.public.get('type')!r}")
        proof = files.get(f"entries/{index}.tlog-proof")
        if proof is not None:
            stands_at = verify_proof(proof, log_key, leaf)[0].index
        else:
            promise = open_promise(files[f"entries/{index}.promise"], log_key)
            stands_at = promise.index
            if promise.leaf_hash != leaf_hash(leaf):
                raise ProofFailed("the log's promise is about another entry")
        if stands_at != index:
            raise ProofFailed(f"its proof is of entry {stands_at}")
        self._public[index] = dict(parsed.public)
        return proof is not None

    def _disclosed(self, files: Mapping[str, bytes], index: int, disclosures: list[str]) -> dict[str, Any]:
        leaf = files[f"entries/{index}.leaf"]
        fields: dict[str, Any] = {}
        for text in disclosures:
            name, value = check_disclosure(leaf, text)
            if name in fields:
                raise ProofFailed(f"it discloses {name} twice")
            fields[name] = value
        return fields

    def _decide(self, fields: dict[str, Any], act: str, charters: Mapping[int, VerifiedCharter]) -> None:
        charter = charters.get(fields["charter_version"])
        if charter is None or charter.policy.sha256 != fields["policy_sha256"]:
            raise ProofFailed("the charter by which it was decided is not in the package")
        request, entities = fields["cedar_request"], fields["cedar_entities"]
        check_recorded_charter(entities, request, charter.charter)
        asked = asked_of(request)
        if asked != (fields["account_id"], act):
            raise ProofFailed("it was decided for another person or another act")
        if not replay(request, entities, charter.policy).allowed:
            raise ProofFailed("the signed policy does not allow it")


def asked_of(request: str) -> tuple[str, str]:
    """Who asked for which act, in a recorded decision whose form was checked."""
    plain = context_of(request)
    return plain["principal"]["id"], plain["action"]["id"]


def context_of(request: str) -> dict[str, Any]:
    """A recorded decision as plain data."""
    import json

    return dict(json.loads(request))
