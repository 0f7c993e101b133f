"""Epochs as periods; secrets in memory; derived keys against values that never change."""

from __future__ import annotations

import ctypes
import hmac
import multiprocessing
import resource
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from glassplate.errors import InputRefused, UsageError
from glassplate.hidden_memory import hide_memory, lock_memory
from glassplate.keys import (
    EpochSecret,
    SecretBytes,
    check_epoch_id,
    derive_private_key,
    epoch_for,
)
from glassplate.keys.epoch_secret import _P256_ORDER
from glassplate.recognize._cage import limit_resources

DIVISORS = [minutes for minutes in range(1, 1441) if 1440 % minutes == 0]


@given(
    st.datetimes(datetime(1999, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(DIVISORS),
)
def test_every_time_lies_in_one_epoch_and_no_read_outlives_its_retention(captured_at, minutes):
    retention = timedelta(days=30)
    epoch = epoch_for(captured_at, minutes, retention)
    assert epoch.starts_at <= captured_at < epoch.ends_at
    assert epoch.destroy_at <= captured_at + retention
    assert epoch_for(epoch.ends_at, minutes, retention).starts_at == epoch.ends_at
    assert check_epoch_id(epoch.epoch_id) == epoch.epoch_id


def test_ids_say_day_or_start_and_length_in_utc():
    at = datetime(2026, 11, 25, 1, 37, tzinfo=timezone(timedelta(hours=-5)))
    assert epoch_for(at, 1440, timedelta(days=1)).epoch_id == "2026-11-25"
    assert epoch_for(at, 15, timedelta(minutes=15)).epoch_id == "2026-11-25T0630Z+15m"


@pytest.mark.parametrize("minutes", [0, -1, 7, 1441, 2880])
def test_an_epoch_divides_a_day(minutes):
    with pytest.raises(UsageError, match="divide a day"):
        epoch_for(datetime(2026, 11, 25, tzinfo=UTC), minutes, timedelta(days=30))


def test_a_retention_shorter_than_an_epoch_cannot_be_kept():
    with pytest.raises(UsageError, match="no longer than that"):
        epoch_for(datetime(2026, 11, 25, tzinfo=UTC), 1440, timedelta(hours=23))


@pytest.mark.parametrize(
    "text", ["", "../x", "2026-11-25/..", "2026-11-25\n", "2026-11-25.0", "\uff12\uff10\uff12\uff16-11-25"]
)
def test_an_epoch_id_is_safe_in_a_file_name(text):
    with pytest.raises(InputRefused):
        check_epoch_id(text)


def test_derived_keys_never_change():
    secret = EpochSecret("2026-11-25", bytes(range(32)))
    assert secret.segment_key(0).hex() == "c4117c243deafc40fa077f120eed012e073b50e61fc0c7948dc76258b2412f3b"
    assert (
        f"{secret.read_private_key().private_numbers().private_value:064x}"
        == "fac71b7d4f2244318eb0bfbffbae51e508da07f70edf29a94060a8952315bd80"
    )
    assert secret.key_id() == "4c63b48880a9ba210b2d9fce"


def test_derived_keys_are_hkdf_computed_by_hand():
    extracted = hmac.digest(bytes(32), bytes(range(32)), "sha256")
    expanded = hmac.digest(extracted, b"glassplate/key/v1\nstore/7" + b"\x01", "sha256")
    assert EpochSecret("2026-11-25", bytes(range(32))).segment_key(7) == expanded


def test_the_order_of_the_curve_is_right():
    """The order is written out by hand; n - 1 must be a private key whose point mirrors the generator's."""
    generator, mirrored = (
        ec.derive_private_key(k, ec.SECP256R1()).public_key() for k in (1, _P256_ORDER - 1)
    )
    assert generator.public_numbers().x == mirrored.public_numbers().x
    with pytest.raises(ValueError, match="out of range"):
        ec.derive_private_key(_P256_ORDER, ec.SECP256R1())


def test_labels_give_unrelated_private_keys():
    keys = {
        derive_private_key(bytes(32), label).private_numbers().private_value
        for label in ("read", "image", "a")
    }
    assert len(keys) == 3


def test_secret_bytes_hide_and_wipe():
    secret = SecretBytes(b"\x01" * 32)
    assert "01" not in repr(secret)
    assert secret.reveal() == b"\x01" * 32
    secret.wipe()
    assert secret.reveal() == bytes(32)


def _limited():
    limit_resources(1 << 40)


def _hardened(harden, queue):
    harden()
    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
    queue.put((resource.getrlimit(resource.RLIMIT_CORE), dumpable))


@pytest.mark.parametrize("harden", [hide_memory, _limited], ids=["vault and search worker", "caged worker"])
def test_a_hardened_process_leaves_no_core_dump(harden):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_hardened, args=(harden, queue))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert queue.get() == ((0, 0), 0)


def _locking(limit, queue):
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
    except (ValueError, OSError):
        queue.put(None)  # an ordinary user may not raise it
        return
    is_locked = lock_memory()
    taken = bytearray(b"x") * (32 * 1024 * 1024)  # far more than the smaller limit
    status = Path("/proc/self/status").read_text()
    locked_kib = int(status.split("VmLck:")[1].split()[0])
    queue.put((is_locked, locked_kib * 1024 >= len(taken)))


@pytest.mark.parametrize("limit", [resource.RLIM_INFINITY, 1024 * 1024], ids=["no limit", "1 MB"])
def test_a_process_stays_out_of_swap_where_it_may_and_works_where_it_may_not(limit):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_locking, args=(limit, queue))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    found = queue.get()
    if found is None:
        pytest.skip("this user may not raise the limit of locked memory")
    is_unlimited = limit == resource.RLIM_INFINITY
    assert found == (is_unlimited, is_unlimited)
