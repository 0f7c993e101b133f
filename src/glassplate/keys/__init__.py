"""Keys of epochs: made, wrapped, destroyed; and the time that they live by."""

from glassplate.keys.clock import Clock, SettableClock, SystemClock
from glassplate.keys.clock_mark import ClockMark, read_mark, write_mark
from glassplate.keys.destruction import destroy_due, still_owed
from glassplate.keys.epoch_secret import EpochSecret, derive_private_key
from glassplate.keys.epochs import HOLD_PREFIX, Epoch, check_epoch_id, epoch_for, hold_epoch
from glassplate.keys.file_keyring import FileKeyring
from glassplate.keys.folder_keyring import FolderKeyring
from glassplate.keys.hsm import HsmPlace
from glassplate.keys.keyring import KeyRecord, Keyring
from glassplate.keys.memory import SecretBytes
from glassplate.keys.opening import create_keyring, erase_by_clock, open_keyring
from glassplate.keys.overdue import LATE_AFTER, demand_no_late_purge, overdue_epochs
from glassplate.keys.pkcs11_keyring import Pkcs11Keyring
from glassplate.keys.time_source import https_time
from glassplate.keys.trusted_time import TrustedTime
from glassplate.keys.wake import SleepWatch

__all__ = [
    "HOLD_PREFIX",
    "LATE_AFTER",
    "Clock",
    "ClockMark",
    "Epoch",
    "EpochSecret",
    "FileKeyring",
    "FolderKeyring",
    "HsmPlace",
    "KeyRecord",
    "Keyring",
    "Pkcs11Keyring",
    "SecretBytes",
    "SettableClock",
    "SleepWatch",
    "SystemClock",
    "TrustedTime",
    "check_epoch_id",
    "create_keyring",
    "demand_no_late_purge",
    "derive_private_key",
    "destroy_due",
    "epoch_for",
    "erase_by_clock",
    "hold_epoch",
    "https_time",
    "open_keyring",
    "overdue_epochs",
    "read_mark",
    "still_owed",
    "write_mark",
]
