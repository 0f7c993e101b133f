"""The vault's working state: accounts, sessions, searches, hot lists, alerts. A view of the log, never ahead of it.

Every change is an *operation* that stands in a log entry first and is applied here afterwards, in log order;
start-up applies what a crash left behind (``Registry.applied_size``). Losing this file loses no fact: it can be
rebuilt from the bodies that are sealed to the history key.
"""

from glassplate.registry.operations import Operation
from glassplate.registry.registry import (
    Registry,
    StoredAlert,
    StoredApprovalRequest,
    StoredHold,
    StoredPasskey,
    StoredQuestion,
    StoredSearch,
)

__all__ = [
    "Operation",
    "Registry",
    "StoredAlert",
    "StoredApprovalRequest",
    "StoredHold",
    "StoredPasskey",
    "StoredQuestion",
    "StoredSearch",
]
