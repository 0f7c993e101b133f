"""Where a camera may be: the address of its stream, and the networks that the city's settings list for cameras.

A stream's address is a way out of the lane for whoever may write it, so: ``rtsp`` only; the name is resolved once, every
address that it has must lie in a listed network, and the connection goes to the address that was checked. Loopback and
link-local addresses count only where a network inside them is listed by itself: ``0.0.0.0/0`` does not open them.
Addresses that carry another one inside (mapped, NAT64, 6to4, Teredo) are unwrapped or refused.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from glassplate.errors import InputRefused, UsageError

RTSP_PORT = 554
MAX_ADDRESS_LENGTH = 2048
CONNECT_SECONDS = 3.0

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SPECIAL = tuple(
    ipaddress.ip_network(text) for text in ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")
)
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"),  # nobody, groups, reserved
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),  # an IPv4 address in disguise
    )
)


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """An RTSP address. Shown as host and port only: paths hold passwords, too, with some makers."""

    host: str
    port: int
    secret: str = field(repr=False)
    """The whole address with user name and password."""

    @classmethod
    def parse(cls, text: str) -> StreamAddress:
        """Read an address.

        Raises:
            UsageError: it is none; the message repeats nothing of it.
        """
        text = text.strip()
        fault = UsageError("The stream's address has to be rtsp://HOST[:PORT]/PATH.")
        if len(text) > MAX_ADDRESS_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
            raise fault
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise fault from None
        if parts.scheme != "rtsp" or not host or "%" in host or port == 0:
            raise fault
        return cls(host, port or RTSP_PORT, text)

    @property
    def has_login(self) -> bool:
        """Whether a user name or password is part of it."""
        return "@" in urlsplit(self.secret).netloc

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtsp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CameraNetworks:
    """The networks in which cameras may be."""

    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> CameraNetworks:
        """Networks with commas between them, such as ``10.20.0.0/24, fd12::/64``.

        Raises:
            UsageError: naming the one that is none.
        """
        networks: list[Network] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError:
                raise UsageError(
                    f"camera_networks: {part!r} is no network. Write 10.20.0.0/24, with zeros where hosts differ."
                ) from None
        return cls(tuple(networks))

    def allows(self, address: Address) -> bool:
        """Whether a camera may be there."""
        if isinstance(address, ipaddress.IPv6Address):
            if address.scope_id:
                return False
            address = address.ipv4_mapped or address
        if any(address in network for network in _NEVER):
            return False
        special = next((network for network in _SPECIAL if address in network), None)
        listed = [network for network in self.networks if address in network]
        return any(special is None or _is_inside(network, special) for network in listed)

    def connect(self, stream: StreamAddress) -> socket.socket:
        """A connection to the camera.

        Raises:
            UsageError: an address of the camera's name lies outside of the listed networks.
            InputRefused: the name is unknown, or nobody answers there.
        """
        try:
            found = socket.getaddrinfo(stream.host, stream.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise InputRefused(f"{stream}: the name is not known.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in addresses:
            if not self.allows(ipaddress.ip_address(text)):
                raise UsageError(
                    f"{stream} is at {text}, which is in no network that settings.toml lists for cameras "
                    f"(camera_networks: {', '.join(map(str, self.networks)) or 'none'})."
                )
        for text in addresses:
            try:
                return socket.create_connection((text, stream.port), CONNECT_SECONDS)
            except OSError:
                continue
        raise InputRefused(f"{stream} does not answer.")


def _is_inside(network: Network, outer: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return network.subnet_of(outer)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return network.subnet_of(outer)
    return False
