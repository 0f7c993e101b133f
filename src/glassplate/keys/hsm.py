"""One token of a hardware security module, over PKCS#11 2.40 (OASIS): AES-256 keys that never leave it.

The module is asked for three things only, all of which SoftHSM and hardware do in FIPS mode too:
``C_GenerateKey`` (CKM_AES_KEY_GEN), ``C_Encrypt`` (CKM_AES_CBC, zero IV, exactly two blocks) and ``C_DestroyObject``.
AES-GCM was not taken: several modules insist on an IV of their own, some have none. Two blocks of CBC over a
SHA-256 hash are a pseudorandom function of fixed input length; what it gives wraps one file (``key_files``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as p11

from glassplate.errors import KeyStoreAway, KeyUnavailable, StorageFailed
from glassplate.keys.memory import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES = 16
INPUT_BYTES = 2 * BLOCK_BYTES
KEY_ID_BYTES = 16
_FIXED = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
_USES = {Attribute.ENCRYPT: True}
_NO_USES = dict.fromkeys(
    (
        Attribute.DECRYPT,
        Attribute.SIGN,
        Attribute.VERIFY,
        Attribute.WRAP,
        Attribute.UNWRAP,
        Attribute.DERIVE,
        Attribute.MODIFIABLE,
        Attribute.COPYABLE,  # a copy under another label would outlive the key
    ),
    False,
)
_MADE_INSIDE = (Attribute.LOCAL, Attribute.NEVER_EXTRACTABLE, Attribute.ALWAYS_SENSITIVE)
_PIN_REFUSED = (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange, p11.PinExpired, p11.PinLocked)
_Got = TypeVar("_Got")


@dataclass(frozen=True, slots=True)
class HsmPlace:
    """Where the token is. ``slot``: None when the token's label names it well enough."""

    module: str
    token: str
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class HsmKey:
    """One key object: its label and its CKA_ID in hexadecimal."""

    label: str
    key_id: str


class Hsm:
    """A session with one token. Not for several threads at once.

    A session that broke (token pulled, network gone, module restarted) is opened anew at the next call. A refused
    PIN is never tried twice, since tokens lock themselves. ``words``: the token, for people. ``is_software``: whether
    it is SoftHSM, whose folder can be copied like any other.
    """

    def __init__(self, place: HsmPlace, pin: bytes) -> None:
        """Log in.

        Raises:
            KeyUnavailable: module, token or PIN are not right; says which.
        """
        self._place = place
        self._pin = SecretBytes(pin)
        self._is_locked_out = False
        self._session: Any = None
        token = self._connect().token
        self.is_software = "softhsm" in token.model.lower()
        self.words = (
            f"token {place.token!r} ({token.manufacturer_id.strip()}, {token.model.strip()}, serial "
            f"{token.serial.decode(errors='replace').strip()})"
        )

    def make_key(self, label: str) -> str:
        """A new AES-256 key inside the module; returns its id.

        Raises:
            KeyUnavailable: it could not be made, or the module made one that could be taken out again.
        """
        key_id = secrets.token_bytes(KEY_ID_BYTES)
        template = {**_FIXED, **_USES, **_NO_USES}

        def make(session: Any) -> None:
            session.generate_key(KeyType.AES, 256, id=key_id, label=label, store=True, template=template)

        self._do(make)
        self._demand_made_inside(key_id.hex())
        return key_id.hex()

    def transform(self, key_id: str, block: bytes) -> bytes:
        """32 bytes that only this key makes of these 32.

        Raises:
            KeyUnavailable: no such key, or the module is away.
        """
        if len(block) != INPUT_BYTES:
            raise ValueError(f"a key of the module transforms {INPUT_BYTES} bytes")

        def encrypt(session: Any) -> bytes:
            key = _find(session, key_id)
            if key is None:
                raise KeyUnavailable(
                    "The hardware module does not hold this key: it was destroyed, or belongs to another token."
                )
            return bytes(key.encrypt(block, mechanism=Mechanism.AES_CBC, mechanism_param=bytes(BLOCK_BYTES)))

        return self._do(encrypt)

    def has(self, key_id: str) -> bool:
        """Whether the token shows this key.

        Raises:
            KeyStoreAway: the module is away.
        """
        return self._do(lambda session: bool(_all(session, key_id)))

    def keys(self, prefix: str) -> list[HsmKey]:
        """Every key whose label begins with ``prefix``.

        Raises:
            KeyUnavailable: the module is away.
        """

        def search(session: Any) -> list[HsmKey]:
            objects = list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))
            return [
                HsmKey(str(o.label), bytes(o.id).hex()) for o in objects if str(o.label).startswith(prefix)
            ]

        return self._do(search)

    def destroy(self, key_id: str) -> None:
        """``C_DestroyObject``; nothing happens when the key is gone already.

        Raises:
            KeyUnavailable: the module is away, or still shows the key afterwards.
        """

        def kill(session: Any) -> None:
            for key in _all(session, key_id):
                key.destroy()

        self._do(kill)
        if self.has(key_id):
            raise KeyUnavailable(
                "The hardware module still shows a key that it was told to destroy. Ask its maker."
            )

    def close(self) -> None:
        """Log out and forget the PIN."""
        self._pin.wipe()
        self._is_locked_out = True
        if self._session is not None:
            session, self._session = self._session, None
            _quietly(session.close)

    def __repr__(self) -> str:
        return f"Hsm({self._place.token!r}, PIN hidden)"

    def _demand_made_inside(self, key_id: str) -> None:
        """CKA_LOCAL, CKA_NEVER_EXTRACTABLE and CKA_ALWAYS_SENSITIVE, as the module itself set them."""
        is_kept = self._do(lambda s: all((_find(s, key_id) or {})[attribute] for attribute in _MADE_INSIDE))
        if not is_kept:
            self.destroy(key_id)
            raise KeyUnavailable(
                "The hardware module made a key that could be taken out again; it was destroyed. Set the token up so "
                "that secret keys are sensitive and cannot be extracted."
            )

    def _do(self, act: Callable[[Any], _Got]) -> _Got:
        try:
            return act(self._session or self._connect())
        except p11.PKCS11Error:
            try:  # the session may have died with the token's last absence
                return act(self._connect())
            except p11.PKCS11Error as error:
                raise self._away(error) from None

    def _connect(self) -> Any:
        if self._is_locked_out:
            raise KeyUnavailable(
                f"The PIN of token {self._place.token!r} was refused; start again with the right one."
            )
        if self._session is not None:
            session, self._session = self._session, None
            _quietly(session.close)
        try:
            self._session = self._open(self._token())
        except _PIN_REFUSED as error:
            self._is_locked_out = True
            raise KeyUnavailable(
                f"Token {self._place.token!r} refused the PIN ({type(error).__name__}). It is not tried again, since "
                "tokens lock themselves; start again with the right one."
            ) from None
        except p11.PKCS11Error as error:
            raise self._away(error) from None
        return self._session

    def _open(self, token: Any) -> Any:
        try:
            return token.open(rw=True, user_pin=self._pin.reveal().decode())
        except UnicodeDecodeError:
            raise KeyUnavailable("The PIN is not text. Check the file that --unlock names.") from None
        except p11.UserAlreadyLoggedIn:
            return token.open(rw=True)  # this process is logged in: PKCS#11 counts that once for all sessions

    def _token(self) -> Any:
        place = self._place
        try:
            library = pkcs11.lib(place.module)
        except p11.PKCS11Error as error:
            raise KeyUnavailable(
                f"The PKCS#11 module {place.module!r} cannot be used ({error or type(error).__name__}). Check hsm_module "
                "in settings.toml."
            ) from None
        tokens = [
            token
            for token in library.get_tokens(token_label=place.token)
            if place.slot is None or token.slot.slot_id == place.slot
        ]
        if len(tokens) != 1:
            seen = "not there" if not tokens else f"there {len(tokens)} times; name its slot"
            raise KeyStoreAway(
                f"Token {place.token!r} is {seen}. Plug the module in, check its network, and hsm_token and hsm_slot in "
                "settings.toml; it is tried again."
            )
        return tokens[0]

    def _away(self, error: p11.PKCS11Error) -> KeyStoreAway:
        return KeyStoreAway(
            f"The hardware module with token {self._place.token!r} does not answer ({type(error).__name__}). Check its "
            "power, cable or network; it is tried again."
        )


def _all(session: Any, key_id: str) -> list[Any]:
    return list(
        session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: bytes.fromhex(key_id)})
    )


def _find(session: Any, key_id: str) -> Any:
    found = _all(session, key_id)
    if len(found) > 1:
        raise StorageFailed(
            "Two keys in the hardware module bear one id; remove the one that this vault did not make."
        )
    return found[0] if found else None


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except p11.PKCS11Error:
        return
