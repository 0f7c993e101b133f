"""Distinct numbers, sorted: for millions of them, and for the few of every question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Number = TypeVar("Number", bound=np.integer[Any])


def distinct(parts: Sequence[NDArray[Number]]) -> NDArray[Number]:
    """The distinct numbers of all ``parts`` (at least one; one dimension, of one kind), sorted.

    ``np.unique`` goes through a hash table, and takes 5 times as long for hundreds and 80 times for a million.
    """
    values = np.concatenate(parts)
    values.sort()
    is_first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return values[is_first]
