"""Whether the people whom the record names signed their acts: every approval, refusal and export of a passkey's session.

The signature stands in the act's own body, the passkey's public key in the entry that registered it, so the check needs
nothing from the vault (``docs/formats/entries.md``). A demo's sign-in signs nothing and is passed over.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from webauthn.helpers import base64url_to_bytes, decode_credential_public_key
from webauthn.helpers.decoded_public_key_to_cryptography import decoded_public_key_to_cryptography
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.verify_signature import verify_signature

from glassplate.encoding import parse_json
from glassplate.errors import InputRefused, ProofFailed
from glassplate.evidence.bound import act_in, decision_sha256, request_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

SIGNED = ("approval-given", "approval-refused", "export")
USER_VERIFIED = 0x04  # WebAuthn level 2, section 6.1
FLAGS_AT = 32
MAX_CLIENT_DATA_BYTES = 8 * 1024


def check_signatures(
    opened: Mapping[int, dict[str, Any]], entries: Sequence[PublicEntry], result: Verification
) -> None:
    """Every act that needs a signature has its person's own, over exactly it. What does not hold is a finding.

    ``opened``: entry index → fields of its body; ``entries``: in log order, those that are not opened, too.
    """
    passkeys: dict[str, dict[str, Any]] = {}
    asked: dict[str, str] = {}
    checked = unjudged = 0
    is_whole = True
    for entry in entries:
        fields = opened.get(entry.index)
        is_whole = is_whole and fields is not None
        if fields is None:
            continue
        try:
            match entry.entry_type:
                case "passkey-registered":
                    made = fields["operation"]
                    passkeys[made["credential_id"]] = made
                case "approval-asked":
                    asked[fields["request_id"]] = request_sha256(
                        fields["action"], fields["account_id"], fields["request"]
                    )
                case kind if kind in SIGNED and _began_with_a_passkey(fields):
                    signature = _signature(fields)
                    if is_whole or (
                        signature["credential_id"] in passkeys and _request(kind, fields) in asked
                    ):
                        _check(fields, signature, _act(kind, fields, asked), passkeys)
                        checked += 1
                    else:
                        unjudged += 1
        except (
            ProofFailed,
            InputRefused,
            InvalidSignature,
            WebAuthnException,
            KeyError,
            TypeError,
            ValueError,
        ) as error:
            result.find(entry.where, f"its passkey signature does not hold ({_said(error)})")
    if checked:
        result.tell(f"{checked:,} acts are signed by their person's own passkey.")
    if unjudged:
        result.tell(
            f"{unjudged:,} signatures cannot be judged: your key does not open what came before them."
        )


def _began_with_a_passkey(fields: dict[str, Any]) -> bool:
    """By the facts under which the act was decided, which a replay decides again."""
    return bool(json.loads(fields["cedar_request"])["context"]["signIn"] == "passkey")


def _act(kind: str, fields: dict[str, Any], asked: dict[str, str]) -> str:
    request_id = _request(kind, fields)
    if request_id not in asked:
        raise ProofFailed("nobody had asked for it before")
    if kind == "export":
        return asked[request_id]
    return decision_sha256(
        fields["account_id"],
        request_id,
        asked[request_id],
        approve=kind == "approval-given",
        reason=fields["reason"],
    )


def _request(kind: str, fields: dict[str, Any]) -> str:
    return str(fields["approval"] if kind == "export" else fields["request_id"])


def _signature(fields: dict[str, Any]) -> dict[str, Any]:
    signature = fields.get("signature")
    if not isinstance(signature, dict):
        raise ProofFailed("there is none")
    return signature


def _check(
    fields: dict[str, Any],
    signature: dict[str, Any],
    act_sha256: str,
    passkeys: dict[str, dict[str, Any]],
) -> None:
    passkey = passkeys.get(signature["credential_id"])
    if passkey is None or passkey["is_demo"] or passkey["account_id"] != fields["account_id"]:
        raise ProofFailed("it is not by a passkey that this person had registered")
    client_data = base64url_to_bytes(signature["client_data"])
    told = parse_json(client_data, limit=MAX_CLIENT_DATA_BYTES)
    if told["type"] != "webauthn.get" or act_in(base64url_to_bytes(told["challenge"])) != act_sha256:
        raise ProofFailed("it is over another act")
    authenticator_data = base64url_to_bytes(signature["authenticator_data"])
    if not authenticator_data[FLAGS_AT : FLAGS_AT + 1] or not authenticator_data[FLAGS_AT] & USER_VERIFIED:
        raise ProofFailed("the authenticator had not verified who it was")
    key = decode_credential_public_key(base64url_to_bytes(passkey["public_key"]))
    verify_signature(
        public_key=decoded_public_key_to_cryptography(key),
        signature_alg=key.alg,
        signature=base64url_to_bytes(signature["signature"]),
        data=authenticator_data + hashlib.sha256(client_data).digest(),
    )


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ProofFailed) else type(error).__name__
