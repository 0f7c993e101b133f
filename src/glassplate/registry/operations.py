"""What can happen to the registry: one function an operation, each idempotent within its transaction.

An operation is a JSON object with a ``kind``; it stands in the log entry's body, so an auditor sees exactly what was
applied. An unknown kind stops start-up: a registry that skipped something would lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.errors import StorageFailed
from glassplate.plate_text import fold

if TYPE_CHECKING:
    from collections.abc import Callable

Operation = dict[str, Any]
USES_APPROVAL = "uses_approval"  # beside any kind: the request whose approval this act uses up
SIGNED_WITH = "signed_with"  # beside any kind: the passkey that signed this act, and its new counter
NO_CAMERA = "no longer kept"  # no camera's id: ids have no blanks


def apply_operation(database: Any, index: int, operation: Operation) -> None:
    """Apply one operation of entry ``index`` inside the caller's transaction.

    Raises:
        StorageFailed: for a kind this version does not know.
    """
    handler = _HANDLERS.get(str(operation["kind"]))
    if handler is None:
        raise StorageFailed(
            f"Entry {index} changes the registry by {operation['kind']!r}, which this version does not know. "
            "Run the version that wrote it, or a newer one."
        )
    handler(database, index, operation)
    if used := operation.get(USES_APPROVAL):
        database.execute("update approval_request set used_index=? where request_id=?", (index, used))
    if signed := operation.get(SIGNED_WITH):
        _count_signature(database, signed)


def _account_added(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "insert or replace into account values (?,?,?,1,?,?,?)",
        (
            operation["account_id"],
            operation["display_name"],
            ",".join(operation["roles"]),
            operation["training_valid_until"],
            operation["invitation_sha256"],
            operation["invitation_expires_at"],
        ),
    )
    if made_by := operation.get("made_by"):
        database.execute(
            "insert or ignore into account_maker values (?,?)", (operation["account_id"], made_by)
        )
    if request_id := operation.get("second_part_of"):
        database.execute(
            "insert or replace into invitation_part values (?,?,null)", (operation["account_id"], request_id)
        )


def _invitation_released(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update invitation_part set part_sha256=? where account_id=?",
        (operation["part_sha256"], operation["account_id"]),
    )


def _roles_changed(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update account set roles=? where account_id=?",
        (",".join(operation["roles"]), operation["account_id"]),
    )


def _approval_asked(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "insert or ignore into approval_request(request_id, action, account_id, request_sha256, entry_index, asked_at,"
        " expires_at) values (?,?,?,?,?,?,?)",
        (
            operation["request_id"],
            operation["action"],
            operation["account_id"],
            operation["request_sha256"],
            index,
            operation["asked_at"],
            operation["expires_at"],
        ),
    )


def _approval_given(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "insert or ignore into approval_given values (?,?,?,?,?)",
        (
            operation["request_id"],
            operation["account_id"],
            int(operation["is_approved"]),
            operation["given_at"],
            index,
        ),
    )
    if not operation["is_approved"]:
        database.execute(
            "update approval_request set is_refused=1 where request_id=?", (operation["request_id"],)
        )


def _training_renewed(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update account set training_valid_until=? where account_id=?",
        (operation["training_valid_until"], operation["account_id"]),
    )


def _account_closed(database: Any, _index: int, operation: Operation) -> None:
    database.execute("update account set active=0 where account_id=?", (operation["account_id"],))
    database.execute("delete from session where account_id=?", (operation["account_id"],))


def _passkey_registered(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "insert or replace into passkey values (?,?,?,?,?)",
        (
            operation["credential_id"],
            operation["account_id"],
            operation["public_key"],
            operation["sign_count"],
            int(operation["is_demo"]),
        ),
    )
    database.execute(
        "update account set invitation_sha256=null where account_id=?", (operation["account_id"],)
    )


def _signed_in(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "insert or replace into session values (?,?,?,?,?,?)",
        (
            operation["token_sha256"],
            operation["account_id"],
            operation["method"],
            operation["started_at"],
            operation["expires_at"],
            operation["started_at"],
        ),
    )
    if operation.get("credential_id"):
        _count_signature(database, operation)


def _count_signature(database: Any, used: dict[str, Any]) -> None:
    """A clone of the passkey, which counts less, is noticed by this."""
    database.execute(
        "update passkey set sign_count=? where credential_id=?", (used["sign_count"], used["credential_id"])
    )


def _signed_out(database: Any, _index: int, operation: Operation) -> None:
    database.execute("delete from session where token_sha256=?", (operation["token_sha256"],))


def _search_recorded(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "insert or ignore into search(entry_index, account_id, recorded_at) values (?,?,?)",
        (index, operation["account_id"], operation["recorded_at"]),
    )
    add_to_counter(database, f"search:{operation['purpose']}", 1)


def _search_ended(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "update search set outcome_index=?, outcome=?, reads_shown=? where entry_index=?",
        (index, operation["outcome"], operation["reads_shown"], operation["search_index"]),
    )


def _searches_questioned(database: Any, index: int, operation: Operation) -> None:
    for search_index in operation["searches"]:
        database.execute(
            "insert or ignore into question(finding_index, search_index) values (?,?)", (index, search_index)
        )
    for verdict, count in operation["counts"].items():
        add_to_counter(database, f"audited:{verdict}", count)


def _question_answered(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "update question set reply_index=? where finding_index=? and search_index=?",
        (index, operation["finding_index"], operation["search_index"]),
    )


def _refused(database: Any, _index: int, operation: Operation) -> None:
    for rule in operation["rules"]:
        add_to_counter(database, f"refusal:{rule}", 1)


def _hotlist_imported(database: Any, _index: int, operation: Operation) -> None:
    for entry in operation["entries"]:
        database.execute(
            "insert or replace into hotlist values (?,?,?,?,?,?,?,?,?)",
            (
                entry["entry_id"],
                entry["plate"],
                fold(entry["plate"]),
                entry["region"],
                entry["category"],
                entry["authority"],
                entry["reason"],
                entry["expires_at"],
                operation["added_at"],
            ),
        )
    for reason, count in operation["dropped"].items():
        add_to_counter(database, f"hotlist dropped:{reason}", count)


def _hotlist_withdrawn(database: Any, _index: int, operation: Operation) -> None:
    database.execute("delete from hotlist where entry_id=?", (operation["entry_id"],))


def _hotlist_ended(database: Any, _index: int, operation: Operation) -> None:
    database.execute("delete from hotlist where expires_at<=?", (operation["until"],))


def _alert_raised(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "insert or ignore into alert(alert_id, raised_at, read_id, epoch_id, camera_id, entry_id,"
        " region_matches, matched, state) values (?,?,?,?,?,?,?,?,'waiting')",
        (
            operation["alert_id"],
            operation["raised_at"],
            operation["read_id"],
            operation["epoch_id"],
            NO_CAMERA,  # noted beside the log by ``Registry.note_camera``, so that the place dies with the read
            operation["entry_id"],
            operation["region_matches"],
            operation.get("matched", "exact"),  # entries from before near matches have none
        ),
    )


def _alert_shown(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update alert set shown_to = shown_to || ? where alert_id=?",
        (f"{operation['account_id']},", operation["alert_id"]),
    )


def _alert_decided(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update alert set state=?, disposition=? where alert_id=?",
        (operation["state"], operation["disposition"], operation["alert_id"]),
    )


def _epoch_created(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "insert into epoch(epoch_id, destroy_at, created_index) values (?,?,?)"
        " on conflict(epoch_id) do update set created_index=excluded.created_index",
        (operation["epoch_id"], operation["destroy_at"], index),
    )


def _epoch_shortened(database: Any, _index: int, operation: Operation) -> None:
    database.execute(
        "update epoch set destroy_at=? where epoch_id=?", (operation["destroy_at"], operation["epoch_id"])
    )


def _epoch_closed(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "update epoch set closed_index=coalesce(closed_index, ?), reads=coalesce(reads,0)+? where epoch_id=?",
        (index, operation["reads"], operation["epoch_id"]),
    )
    for segment in operation["segments"]:
        database.execute(
            "insert or ignore into segment values (?,?,?,?)",
            (segment["name"], operation["epoch_id"], segment["sha256"], segment["reads"]),
        )
        if "root" in segment:
            database.execute(
                "insert or ignore into segment_root values (?,?,?)",
                (segment["name"], operation["epoch_id"], segment["root"]),
            )


def _epoch_destroyed(database: Any, index: int, operation: Operation) -> None:
    database.execute("update epoch set destroyed_index=? where epoch_id=?", (index, operation["epoch_id"]))
    database.execute("delete from segment where epoch_id=?", (operation["epoch_id"],))
    database.execute("delete from segment_root where epoch_id=?", (operation["epoch_id"],))
    # Plate, place and time of a dead read would live on in its alert: the place goes.
    database.execute("update alert set camera_id=? where epoch_id=?", (NO_CAMERA, operation["epoch_id"]))


def _hold_placed(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "insert or ignore into hold(hold_id, entry_index, account_id, case_number, placed_at, ends_at, authority,"
        " is_scope, alert_id, state) values (?,?,?,?,?,?,?,?,?,'placing')",
        (
            operation["hold_id"],
            index,
            operation["account_id"],
            operation["case_number"],
            operation["placed_at"],
            operation["ends_at"],
            operation["authority"],
            int(operation["is_scope"]),
            operation["alert_id"],
        ),
    )


def _hold_kept(database: Any, index: int, operation: Operation) -> None:
    parts = ",".join(operation["parts"])
    database.execute(
        "update hold set state=?, reads=?, parts=?, kept_index=? where hold_id=?",
        (operation["state"], operation["reads"], parts, index, operation["hold_id"]),
    )
    add_to_counter(database, "reads held", operation["reads"])


def _hold_ended(database: Any, index: int, operation: Operation) -> None:
    database.execute(
        "update hold set state='ended', parts='', ended_index=? where hold_id=?",
        (index, operation["hold_id"]),
    )


def _counted(database: Any, _index: int, operation: Operation) -> None:
    for name, amount in operation["counts"].items():
        add_to_counter(database, name, amount)


def add_to_counter(database: Any, name: str, amount: int) -> None:
    """Add to a named total; totals never hold a plate, person or case."""
    database.execute(
        "insert into counter values (?,?) on conflict(name) do update set value=value+excluded.value",
        (name, amount),
    )


_HANDLERS: dict[str, Callable[[Any, int, Operation], None]] = {
    "account_added": _account_added,
    "invitation_released": _invitation_released,
    "roles_changed": _roles_changed,
    "approval_asked": _approval_asked,
    "approval_given": _approval_given,
    "training_renewed": _training_renewed,
    "account_closed": _account_closed,
    "passkey_registered": _passkey_registered,
    "signed_in": _signed_in,
    "signed_out": _signed_out,
    "search_recorded": _search_recorded,
    "search_ended": _search_ended,
    "searches_questioned": _searches_questioned,
    "question_answered": _question_answered,
    "refused": _refused,
    "hotlist_imported": _hotlist_imported,
    "hotlist_withdrawn": _hotlist_withdrawn,
    "hotlist_ended": _hotlist_ended,
    "alert_raised": _alert_raised,
    "alert_shown": _alert_shown,
    "alert_decided": _alert_decided,
    "epoch_created": _epoch_created,
    "epoch_shortened": _epoch_shortened,
    "epoch_closed": _epoch_closed,
    "epoch_destroyed": _epoch_destroyed,
    "hold_placed": _hold_placed,
    "hold_kept": _hold_kept,
    "hold_ended": _hold_ended,
    "counted": _counted,
}
