"""The six signed documents of a charter: written, signed, and opened with nothing left to interpretation.

``root.json`` (TUF root: every office's keys), ``offices.json`` (TUF targets: one delegation per office),
``charter.json`` (TUF targets: the charter itself and the hashes of the policy files), ``base.cedar``,
``overlay.cedar``, ``schema.cedarschema``. The three JSON documents carry the charter's version, so a new
charter is also a new root and no version of either can be skipped unseen. See ``docs/formats/charter.md`` §3.

``open_documents`` accepts canonical bytes only. A duplicate key, a space, another order of signatures: all
refused, because a viewer and this program might then see two different charters.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tuf.api.metadata import (  # type: ignore[attr-defined] # its documented, though implicit, exports
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    Role,
    Root,
    TargetFile,
    Targets,
)

from glassplate.charter.document import MAX_CHARTER_BYTES, Charter
from glassplate.charter.offices import OfficePublicKey
from glassplate.charter.policy import PolicyTexts
from glassplate.charter.rules import refuse_floats
from glassplate.charter.vocabulary import OFFICES, Office
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import CharterRejected, InputRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from glassplate.charter.offices import OfficePrivateKey

ROOT: Final = "root.json"
OFFICES_FILE: Final = "offices.json"
CHARTER: Final = "charter.json"
BASE: Final = "base.cedar"
OVERLAY: Final = "overlay.cedar"
SCHEMA: Final = "schema.cedarschema"
SIGNED_FILES: Final = (ROOT, OFFICES_FILE, CHARTER)
POLICY_FILES: Final = (BASE, OVERLAY, SCHEMA)

MAX_KEYS_PER_OFFICE = 2  # one in use, one in the safe
ROOT_THRESHOLD = 2  # offices, of three: one lost key must not end the city's charter
MAX_POLICY_BYTES = 256 * 1024
MAX_DOCUMENT_BYTES = MAX_CHARTER_BYTES + 64 * 1024

_PATHS = "charter/*"
_OFFICES_FIELD = "x-glassplate-offices"
_CHARTER_FIELD = "x-glassplate-charter"
_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z", re.ASCII)
_TOP_LEVEL_ROLES = ("root", "targets", "snapshot", "timestamp")

OfficeKeys = dict[Office, tuple[OfficePublicKey, ...]]


@dataclass(frozen=True, slots=True)
class OpenedDocuments:
    """Documents that are well formed; nothing about signatures or time is known yet."""

    root: Metadata[Root]
    offices: Metadata[Targets]
    charter: Metadata[Targets]
    office_keys: OfficeKeys
    policy: PolicyTexts

    def metadata(self) -> dict[str, Metadata[Any]]:
        """The three JSON documents by file name."""
        return {ROOT: self.root, OFFICES_FILE: self.offices, CHARTER: self.charter}

    def plain_charter(self) -> Any:
        """The charter inside ``charter.json``, not yet read."""
        return deepcopy(self.charter.signed.unrecognized_fields[_CHARTER_FIELD])


def draft(
    charter: Charter, office_keys: Mapping[Office, Sequence[OfficePublicKey]], policy: PolicyTexts
) -> dict[str, str]:
    """The unsigned documents of ``charter``, ready for each office to sign.

    Raises:
        UsageError: keys missing, or policy files that are not the ones the charter names.
        InputRefused: the charter breaks a rule of its own.
    """
    _check_policy_is_named(charter, policy)
    charter = Charter.from_json(charter.to_json())
    keys = _checked_keys(office_keys)
    root = _root(charter.version, charter.expires_at, keys)
    offices = _offices(charter.version, charter.expires_at, keys)
    targets = Targets(
        version=charter.version,
        expires=charter.expires_at,
        targets={f"charter/{name}": _target(name, text) for name, text in policy_files(policy).items()},
        unrecognized_fields={_CHARTER_FIELD: charter.to_plain()},
    )
    return {
        ROOT: _written(Metadata(root)),
        OFFICES_FILE: _written(Metadata(offices)),
        CHARTER: _written(Metadata(targets)),
        **policy_files(policy),
    }


def sign(documents: Mapping[str, str], key: OfficePrivateKey) -> dict[str, str]:
    """The documents with this office's signature on each of the three; signing again changes nothing.

    Raises:
        UsageError: when no office of these documents holds the key.
        CharterRejected: when the documents are malformed; nobody should sign those.
    """
    opened = open_documents(documents)
    held = {public.raw for keys in opened.office_keys.values() for public in keys}
    if key.public.raw not in held:
        raise UsageError(
            f"No office of this charter holds the key {key.public.fingerprint}. Draft the charter with "
            "this key, "
            "or sign with the key that it names."
        )
    signed = dict(documents)
    for name, metadata in opened.metadata().items():
        metadata.sign(key.signer, append=True)
        metadata.signatures = dict(sorted(metadata.signatures.items()))
        signed[name] = _written(metadata)
    return signed


def open_documents(documents: Mapping[str, str]) -> OpenedDocuments:
    """Check form, not signatures: exactly the six files, canonical bytes, the shapes that ``draft`` writes.

    Raises:
        CharterRejected: naming the file.
    """
    names = {*SIGNED_FILES, *POLICY_FILES}
    for name in sorted(names - set(documents)):
        raise refused(f"The file {name} is missing.")
    for name in sorted(set(documents) - names):
        raise refused(f"The file {name[:80]!r} does not belong to a charter.")
    for name in POLICY_FILES:
        if len(documents[name].encode("utf-8", "surrogatepass")) > MAX_POLICY_BYTES:
            raise refused(f"{name} is larger than {MAX_POLICY_BYTES} bytes.")
    root = _opened(documents, ROOT, "root")
    offices = _opened(documents, OFFICES_FILE, "targets")
    charter = _opened(documents, CHARTER, "targets")
    keys = _keys_of(root)
    _check_shape(ROOT, root.signed, _root(root.signed.version, root.signed.expires, keys))
    _check_shape(OFFICES_FILE, offices.signed, _offices(offices.signed.version, offices.signed.expires, keys))
    if _CHARTER_FIELD not in charter.signed.unrecognized_fields:
        raise refused(f"{CHARTER} holds no charter.")
    policy = PolicyTexts(documents[BASE], documents[OVERLAY], documents[SCHEMA])
    return OpenedDocuments(root, offices, charter, keys, policy)


def office_of(keys: OfficeKeys, keyid: str) -> tuple[Office, OfficePublicKey] | None:
    """Whose key this is."""
    for office, publics in keys.items():
        for public in publics:
            if public.tuf_key.keyid == keyid:
                return office, public
    return None


def policy_files(policy: PolicyTexts) -> dict[str, str]:
    """The policy texts by file name."""
    return {BASE: policy.base, OVERLAY: policy.overlay, SCHEMA: policy.schema}


def refused(message: str, rule: str = "charter-documents") -> CharterRejected:
    """The error for documents that are not what they should be."""
    return CharterRejected(message, (rule,))


# --- writing ------------------------------------------------------------------------------------------


def _root(version: int, expires: datetime, keys: OfficeKeys) -> Root:
    """The only root that these keys, this version and this date can have."""
    tuf_keys = _tuf_keys(keys)
    return Root(
        version=version,
        expires=expires,
        keys=tuf_keys,
        roles={role: Role(sorted(tuf_keys), ROOT_THRESHOLD) for role in _TOP_LEVEL_ROLES},
        consistent_snapshot=False,
        unrecognized_fields={_OFFICES_FIELD: _keyids(keys)},
    )


def _offices(version: int, expires: datetime, keys: OfficeKeys) -> Targets:
    """The only list of offices that agrees with the root's keys."""
    return Targets(version=version, expires=expires, delegations=_delegations(keys))


def _delegations(keys: OfficeKeys) -> Delegations:
    return Delegations(
        keys=_tuf_keys(keys),
        roles={
            office: DelegatedRole(office, keyids, threshold=1, terminating=False, paths=[_PATHS])
            for office, keyids in _keyids(keys).items()
        },
    )


def _tuf_keys(keys: OfficeKeys) -> dict[str, Key]:
    return {key.keyid: key for publics in keys.values() for key in (public.tuf_key for public in publics)}


def _keyids(keys: OfficeKeys) -> dict[str, list[str]]:
    return {office: sorted(public.tuf_key.keyid for public in publics) for office, publics in keys.items()}


def _target(name: str, text: str) -> TargetFile:
    return TargetFile.from_data(f"charter/{name}", text.encode(), ["sha256"])


def _written(metadata: Metadata[Any]) -> str:
    return canonical_json(metadata.to_dict()).decode()


def _check_policy_is_named(charter: Charter, policy: PolicyTexts) -> None:
    named = charter.policy
    for what, expected, got in (
        (BASE, named.base_sha256, policy.base_sha256),
        (OVERLAY, named.overlay_sha256, policy.overlay_sha256),
        (SCHEMA, named.schema_sha256, policy.schema_sha256),
    ):
        if expected != got:
            raise UsageError(f"The charter names a {what} with SHA-256 {expected}; the file given has {got}.")


def _checked_keys(office_keys: Mapping[Office, Sequence[OfficePublicKey]]) -> OfficeKeys:
    keys: OfficeKeys = {}
    for office in OFFICES:
        publics = tuple(office_keys.get(office, ()))
        if not 1 <= len(publics) <= MAX_KEYS_PER_OFFICE:
            raise UsageError(f"The {office} needs 1 to {MAX_KEYS_PER_OFFICE} keys, got {len(publics)}.")
        keys[office] = publics
    every = [public.raw for publics in keys.values() for public in publics]
    if len(set(every)) != len(every):
        raise UsageError("One key is named twice; every key belongs to one office and one person.")
    return keys


# --- opening ------------------------------------------------------------------------------------------


def _opened(documents: Mapping[str, str], name: str, kind: str) -> Metadata[Any]:
    try:
        raw = documents[name].encode()
        plain = parse_json(raw, limit=MAX_DOCUMENT_BYTES)
        if canonical_json(plain) != raw:
            raise refused(
                f"{name} is not in canonical form; a copy was edited or reformatted. Take the original file."
            )
        refuse_floats(plain)
        _check_envelope(name, plain, kind)
        metadata: Metadata[Any] = Metadata.from_dict(deepcopy(plain))
        written = canonical_json(metadata.to_dict())
    except (InputRefused, ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(f"{name} is not a valid document: {error}") from None
    if written != raw:
        raise refused(f"{name} does not survive being read and written again.")
    return metadata


def _check_envelope(name: str, plain: Any, kind: str) -> None:
    if not isinstance(plain, dict) or set(plain) != {"signatures", "signed"}:
        raise refused(f"{name} must hold exactly the fields signatures and signed.")
    if not isinstance(plain["signed"], dict) or plain["signed"].get("_type") != kind:
        raise refused(f"{name} must be a TUF document of the type {kind}.")
    if type(plain["signed"].get("version")) is not int:
        raise refused(f"{name} must have a whole number as its version.")
    keyids = []
    for signature in plain["signatures"]:
        if set(signature) != {"keyid", "sig"} or not _SIGNATURE.match(signature["sig"]):
            raise refused(f"{name} has a malformed signature.")
        keyids.append(signature["keyid"])
    if keyids != sorted(set(keyids)):
        raise refused(f"{name} has a signature twice, or its signatures are not sorted by key.")


def _keys_of(root: Metadata[Root]) -> OfficeKeys:
    named: Any = root.signed.unrecognized_fields.get(_OFFICES_FIELD)
    held = root.signed.keys
    try:
        return _checked_keys(
            {
                office: tuple(
                    OfficePublicKey(bytes.fromhex(held[keyid].keyval["public"])) for keyid in named[office]
                )
                for office in OFFICES
            }
        )
    except (ValueError, KeyError, TypeError, InputRefused, UsageError):
        raise refused(f"{ROOT} does not name one or two keys for each of {', '.join(OFFICES)}.") from None


def _check_shape(name: str, signed: Root | Targets, expected: Root | Targets) -> None:
    expected.spec_version = signed.spec_version
    if canonical_json(signed.to_dict()) != canonical_json(expected.to_dict()):
        raise refused(
            f"{name} does not give each office its own keys and threshold in the one way that is accepted."
        )
