"""A C2SP transparency log: signed notes, checkpoints, tiles, proofs, and entries that commit without showing.

Nothing in here knows what the log is about. Bytes: ``docs/formats/log.md``.
"""

from glassplate.log.add_checkpoint import MAX_REQUEST_BYTES, AddCheckpoint
from glassplate.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from glassplate.log.cosigner import CosigningKey
from glassplate.log.entry import (
    COMMITMENT_KEY_BYTES,
    DIGEST_COUNT,
    Commitment,
    JsonValue,
    Leaf,
    body_hash,
    check_body,
    check_disclosure,
    check_sealed,
    disclosure,
    leaf_bytes,
    parse_leaf,
)
from glassplate.log.journal import intact_bytes
from glassplate.log.journal_record import LogRecord
from glassplate.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from glassplate.log.note import OpenedNote, open_note, sign_note
from glassplate.log.note_keys import SigningKey, VerifierKey
from glassplate.log.promise import Promise, open_promise
from glassplate.log.proof import TlogProof, open_proof, verify_proof
from glassplate.log.recovery import JOURNAL_NAME, PENDING_NAME, VERIFIER_KEY_NAME
from glassplate.log.replay import replay_journal
from glassplate.log.tile_reader import TileReader
from glassplate.log.transparency_log import Appended, TransparencyLog
from glassplate.log.witness import Answer, WatchedLog, Witness
from glassplate.log.witness_client import ForkFound, Gathered, WitnessClient, WitnessEndpoint
from glassplate.log.witness_web import HttpWeb

__all__ = [
    "COMMITMENT_KEY_BYTES",
    "DIGEST_COUNT",
    "JOURNAL_NAME",
    "MAX_REQUEST_BYTES",
    "PENDING_NAME",
    "VERIFIER_KEY_NAME",
    "AddCheckpoint",
    "Answer",
    "Appended",
    "Checkpoint",
    "Commitment",
    "CosigningKey",
    "ForkFound",
    "Gathered",
    "HttpWeb",
    "JsonValue",
    "Leaf",
    "LogRecord",
    "OpenedNote",
    "Promise",
    "SigningKey",
    "TileReader",
    "TlogProof",
    "TransparencyLog",
    "VerifierKey",
    "WatchedLog",
    "Witness",
    "WitnessClient",
    "WitnessEndpoint",
    "body_hash",
    "check_body",
    "check_disclosure",
    "check_sealed",
    "disclosure",
    "intact_bytes",
    "leaf_bytes",
    "leaf_hash",
    "open_checkpoint",
    "open_note",
    "open_promise",
    "open_proof",
    "parse_leaf",
    "replay_journal",
    "sign_checkpoint",
    "sign_note",
    "verify_consistency",
    "verify_inclusion",
    "verify_proof",
]
