"""The motion gate: still frames get no look, anything that moves gets one, and a still street one every five seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from glassplate.recognize.motion import MotionGate

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STREET = np.random.default_rng(5).integers(40, 200, (720, 1280, 3), dtype=np.uint8)


def at(seconds):
    return NINE + timedelta(seconds=seconds)


def noisy(pixels, sigma, seed):
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def with_car(x, size=60):
    pixels = STREET.copy()
    pixels[400 : 400 + size, x : x + size] = 250
    return pixels


def test_a_still_noisy_street_is_looked_at_every_five_seconds():
    gate = MotionGate()
    looks = [second / 4 for second in range(48) if gate.wants(noisy(STREET, 8, second), at(second / 4))]
    assert looks == [0.0, 5.0, 10.0]
    assert gate.still == 45


def test_a_far_car_that_moves_is_looked_at_in_every_frame():
    gate = MotionGate()
    assert all(gate.wants(with_car(100 + 30 * number), at(number / 12)) for number in range(12))
    assert gate.still == 0


def test_what_creeps_adds_up():
    gate = MotionGate()
    looks = [number for number in range(40) if gate.wants(with_car(100 + number), at(number / 12))]
    assert 3 <= len(looks) < 20


def test_a_stop_is_looked_at_and_then_is_still():
    gate = MotionGate()
    gate.wants(STREET, at(0))
    assert gate.wants(with_car(400), at(0.1))
    assert not gate.wants(with_car(400), at(0.2))


def test_another_size_or_a_clock_that_goes_back_is_looked_at():
    gate = MotionGate()
    assert gate.wants(STREET, at(10))
    assert gate.wants(STREET[:360, :640], at(10.1))
    assert not gate.wants(STREET[:360, :640], at(10.2))
    assert gate.wants(STREET[:360, :640], at(3))


def test_tiny_and_narrow_pictures_are_pictures():
    for shape in ((1, 1, 3), (1, 2000, 3), (2000, 1, 3)):
        gate = MotionGate()
        assert gate.wants(np.zeros(shape, np.uint8), at(0))
        assert not gate.wants(np.zeros(shape, np.uint8), at(1))
        assert gate.wants(np.full(shape, 255, np.uint8), at(2))
