"""The cage around a process that decodes what strangers made. Called by that process on itself, before the first byte.

1. memory hidden (no core dump, no reader of the same user), file size 0, address space limited;
2. no new privileges;
3. Landlock, where the kernel has it: no file, folder or TCP port at all, or one port to connect to;
4. own network namespace, where the kernel lets an ordinary user make one;
5. no free file descriptor: every ``open`` and ``socket`` fails once the allowed number is used up.
"""

from __future__ import annotations

import ctypes
import fcntl
import resource
import socket
import struct

from glassplate.hidden_memory import hide_memory

STANDARD_DESCRIPTORS = 3

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = (
    444,
    445,
    446,
)  # the same numbers on every architecture
_LANDLOCK_CREATE_RULESET_VERSION = 1
_FILE_RIGHTS_BY_ABI = {
    1: (1 << 13) - 1,
    2: (1 << 14) - 1,
    3: (1 << 15) - 1,
    4: (1 << 15) - 1,
    5: (1 << 16) - 1,
}
_NETWORK_RIGHTS = 0b11  # bind and connect TCP, from Landlock 4 on
_CONNECT_TCP = 0b10
_NETWORK_ABI = 4
_RULE_NET_PORT = 2
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_INTERFACE_FLAGS = struct.Struct("16sh14x")
_IFF_UP = 1


def limit_resources(address_space_bytes: int) -> None:
    """Walls 1 and 2."""
    hide_memory()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    libc = _libc()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def forbid_files_and_ports(connect_port: int | None = None) -> None:
    """Wall 3; ``connect_port`` is the one TCP port that stays reachable."""
    libc = _libc()
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return  # a kernel without Landlock; the other walls remain
    files = _FILE_RIGHTS_BY_ABI[min(version, max(_FILE_RIGHTS_BY_ABI))]
    knows_network = version >= _NETWORK_ABI
    handled = struct.pack("=QQ", files, _NETWORK_RIGHTS) if knows_network else struct.pack("=Q", files)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    if connect_port is not None and knows_network:
        rule = struct.pack("=QQ", _CONNECT_TCP, connect_port)
        if libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _RULE_NET_PORT, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), "Landlock")
    if libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    libc.close(ruleset)


def leave_the_network(*, keep_loopback: bool = False) -> None:
    """Wall 4: a network namespace of its own, in which there is nothing; refused inside many containers, then absent.

    ``keep_loopback`` starts the namespace's own loopback, which leads nowhere but to this process.
    """
    if _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0 or not keep_loopback:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = fcntl.ioctl(control, _SIOCGIFFLAGS, _INTERFACE_FLAGS.pack(b"lo", 0))
        _, flags = _INTERFACE_FLAGS.unpack(asked)
        fcntl.ioctl(control, _SIOCSIFFLAGS, _INTERFACE_FLAGS.pack(b"lo", flags | _IFF_UP))


def limit_descriptors(count: int = STANDARD_DESCRIPTORS) -> None:
    """Wall 5: none beyond ``count``."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
