"""Keys of epochs: made, wrapped, destroyed; and the time that they live by."""

from glassplate.keys.clock import Clock, SettableClock, SystemClock
from glassplate.keys.destruction import destroy_due
from glassplate.keys.epoch_secret import EpochSecret, derive_private_key
from glassplate.keys.epochs import Epoch, check_epoch_id, epoch_for
from glassplate.keys.file_keyring import FileKeyring
from glassplate.keys.keyring import KeyRecord, Keyring
from glassplate.keys.memory import SecretBytes, harden_process
from glassplate.keys.trusted_time import TrustedTime

__all__ = [
    "Clock",
    "Epoch",
    "EpochSecret",
    "FileKeyring",
    "KeyRecord",
    "Keyring",
    "SecretBytes",
    "SettableClock",
    "SystemClock",
    "TrustedTime",
    "check_epoch_id",
    "derive_private_key",
    "destroy_due",
    "epoch_for",
    "harden_process",
]
