"""Accounts: who may sign in, with which roles. Made by an administrator; each change is an entry first."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, get_args

from glassplate.approvals import GIVE_ACCESS
from glassplate.encoding import sha256_hex
from glassplate.errors import UsageError
from glassplate.evidence.bound import request_sha256
from glassplate.records import InvitedAccount, Role
from glassplate.registry.operations import USES_APPROVAL

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from glassplate.approvals import Approvals
    from glassplate.authorize import Authorizer, Permission
    from glassplate.errors import Refused
    from glassplate.gate import Gate
    from glassplate.record import Recorder
    from glassplate.records import Account, Receipt
    from glassplate.registry import Operation, Registry
    from glassplate.sign_in import SignIn

INVITATION_LIFE = timedelta(days=7)
_ACCOUNT_ID = re.compile(r"[a-z][a-z0-9._-]{1,39}", re.ASCII)
_ROLES = get_args(Role)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Adding, listing, inviting, closing."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    gate: Gate
    sign_in: SignIn
    approvals: Approvals
    admitting: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held from the decision to the entry, so that an approval is used once."""

    def all(self, token: str | None) -> list[Account]:
        """Everybody who may sign in."""
        self._authorize(token)
        return self.registry.accounts()

    def add(
        self,
        token: str | None,
        account_id: str,
        display_name: str,
        roles: tuple[str, ...],
        training_valid_until: datetime,
    ) -> InvitedAccount:
        """Make an account; returns it with a one-time invitation to register a passkey.

        Outside a demo a second person must approve it first; the founder of a city makes the second account alone. Where
        somebody approved, the invitation is half of one: the approver hands out the other (``release_invitation``), so
        that neither alone signs in under the new name.

        Raises:
            ApprovalNeeded: a second person must approve it; call again with the same words then.
            Refused: the account exists. Nobody is invited twice: a new passkey on a colleague's account would let an
                administrator act under the colleague's name. Close the account and make another.
        """
        administrator, now = self._authorize(token)
        if self.registry.account(account_id) is not None:
            raise self._refusal(
                token,
                "account-exists",
                f"{account_id} exists, or existed. Close it and make another with a new id.",
            )
        invitation = secrets.token_urlsafe(32)
        operation = account_operation(account_id, display_name, roles, training_valid_until, invitation, now)
        words = {
            "account_id": account_id,
            "display_name": operation["display_name"],
            "roles": sorted(set(roles)),
            "training_valid_until": operation["training_valid_until"],
        }
        with self.admitting:
            permission, approval, is_founding = self._give_access(token, words, now)
            if not is_founding:
                operation["made_by"] = administrator
            if approval is not None:
                operation["second_part_of"] = approval
            self.recorder.record(
                "account-changed",
                {
                    "by": administrator,
                    "account_id": account_id,
                    "roles": list(roles),
                    "approval": approval,
                    **permission.replayable(),
                },
                at=now,
                public={"roles": ",".join(sorted(roles))},
                operation={**operation, USES_APPROVAL: approval},
            )
        account = self.registry.account(account_id)
        assert account is not None  # noqa: S101 - the operation above made it
        return InvitedAccount(account, invitation, approval)

    def release_invitation(self, token: str | None, request_id: str) -> str:
        """The second part of the invitation of the account that this person approved; an earlier one ends.

        Raises:
            Refused: somebody else approved it.
            UsageError: no account was made under this request, or its owner has registered a passkey.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        self.authorizer.authorize(session, "approve_access", None, now)
        part, stored = self.registry.second_part_of(request_id), self.registry.approval_request(request_id)
        if part is None or stored is None:
            raise UsageError("No account was made under this request yet. Whoever asked for it makes it.")
        if session.account.account_id not in stored.approvers:
            raise self.authorizer.refusal(
                session,
                "approve_access",
                "invitation-approver",
                "Only who approved this account hands out the second part of its invitation.",
                now,
                request_id=request_id,
            )
        account = self._demand(part.account_id)
        if account.passkeys or not account.active:
            raise UsageError(f"{account.account_id} needs no invitation any more.")
        secret = secrets.token_urlsafe(32)
        self.recorder.record(
            "invitation-released",
            {"by": session.account.account_id, "account_id": account.account_id, "request_id": request_id},
            at=now,
            operation={
                "kind": "invitation_released",
                "account_id": account.account_id,
                "part_sha256": sha256_hex(secret.encode()),
            },
        )
        return secret

    def change_roles(self, token: str | None, account_id: str, roles: tuple[str, ...]) -> Receipt:
        """Give and take roles. Taking is immediate; giving needs a second person, as a new account does.

        Raises:
            ApprovalNeeded: a second person must approve it; call again with the same words then.
            Refused: one's own account.
        """
        administrator, now = self._authorize(token)
        account = self._demand(account_id)
        _check_roles(roles)
        if account_id == administrator:
            raise self._refusal(token, "not-yourself", "You cannot change your own roles; somebody else can.")
        words = {"account_id": account_id, "roles": sorted(set(roles))}
        fields: dict[str, Any] = {"by": administrator, **words, "approval": None}
        with self.admitting:
            if not set(roles) <= set(account.roles):
                permission, fields["approval"], _ = self._give_access(token, words, now)
                fields |= permission.replayable()
            return self.recorder.record(
                "roles-changed",
                fields,
                at=now,
                public={"roles": ",".join(words["roles"])},
                operation={"kind": "roles_changed", **words, USES_APPROVAL: fields["approval"]},
            )

    def close(self, token: str | None, account_id: str, reason: str) -> Receipt:
        """Close an account for good and end its sessions: a leaver, a stolen passkey.

        Raises:
            Refused: one's own account; somebody else must close it, so that the last administrator stays.
        """
        administrator, now = self._authorize(token)
        self._demand(account_id)
        if account_id == administrator:
            raise self._refusal(
                token, "not-yourself", "You cannot close your own account; another administrator can."
            )
        return self.recorder.record(
            "account-closed",
            {"by": administrator, "account_id": account_id, "reason": reason[:200]},
            at=now,
            operation={"kind": "account_closed", "account_id": account_id},
        )

    def renew_training(self, token: str | None, account_id: str, until: datetime) -> Receipt:
        """Record that somebody's training is current until a day.

        Raises:
            Refused: one's own training; somebody else must vouch for it.
        """
        administrator, now = self._authorize(token)
        self._demand(account_id)
        if account_id == administrator:
            raise self._refusal(
                token, "not-yourself", "You cannot vouch for your own training; another administrator can."
            )
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return self.recorder.record(
            "training-renewed",
            {"by": administrator, "account_id": account_id, "until": until.isoformat()},
            at=now,
            operation={
                "kind": "training_renewed",
                "account_id": account_id,
                "training_valid_until": until.isoformat(),
            },
        )

    def _give_access(
        self, token: str | None, words: dict[str, Any], now: datetime
    ) -> tuple[Permission, str | None, bool]:
        """The permission, the approval that it uses up, and whether the founder makes the second account."""
        session = self.gate.who(token)
        is_founding = len(self.registry.accounts()) == 1
        consent = self.approvals.consent(request_sha256(GIVE_ACCESS, session.account.account_id, words))
        permission = self.authorizer.authorize(
            session,
            GIVE_ACCESS,
            None,
            now,
            ask=lambda: self.approvals.ask(session, GIVE_ACCESS, words),
            approvals=consent.approvals,
            founding=is_founding,
        )
        used = consent.request_id if consent.approvals else None
        return permission, used, is_founding

    def _demand(self, account_id: str) -> Account:
        account = self.registry.account(account_id)
        if account is None:
            raise UsageError(f"No account is called {account_id!r}. List them with: glassplate account list")
        return account

    def issue_link(self, token: str | None, account_id: str) -> str:
        """A one-time sign-in link's secret (demo charters only); leaves an entry."""
        administrator, now = self._authorize(token)
        self._demand(account_id)
        secret = self.sign_in.issue_link(account_id)
        self.recorder.record("sign-in-link", {"by": administrator, "account_id": account_id}, at=now)
        return secret

    def _refusal(self, token: str | None, rule: str, message: str) -> Refused:
        now = self.gate.time.now()
        return self.authorizer.refusal(self.gate.who(token), "manage_accounts", rule, message, now)

    def _authorize(self, token: str | None) -> tuple[str, datetime]:
        now = self.gate.time.now()
        session = self.gate.who(token)
        self.authorizer.authorize(session, "manage_accounts", None, now)
        return session.account.account_id, now


def account_operation(
    account_id: str,
    display_name: str,
    roles: tuple[str, ...],
    training_valid_until: datetime,
    invitation: str,
    now: datetime,
) -> Operation:
    """The registry operation that makes an account.

    Raises:
        UsageError: for a malformed id or an unknown role.
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise UsageError(
            "An account id has 2–40 lower-case letters, digits, dots or hyphens and starts with a letter."
        )
    _check_roles(roles)
    if training_valid_until.tzinfo is None:
        training_valid_until = training_valid_until.replace(tzinfo=UTC)
    return {
        "kind": "account_added",
        "account_id": account_id,
        "display_name": display_name[:100],
        "roles": list(roles),
        "training_valid_until": training_valid_until.isoformat(),
        "invitation_sha256": sha256_hex(invitation.encode()),
        "invitation_expires_at": (now + INVITATION_LIFE).isoformat(),
    }


def _check_roles(roles: tuple[str, ...]) -> None:
    unknown = sorted(set(roles) - set(_ROLES))
    if unknown or not roles:
        raise UsageError(f"Roles are {', '.join(_ROLES)}; got {', '.join(unknown) or 'none'}.")
