"""Where a camera may be: nothing but the networks that are listed, whatever an address pretends to be."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from glassplate.capture import networks
from glassplate.capture.networks import CameraNetworks, StreamAddress
from glassplate.errors import InputRefused, UsageError

STREET = CameraNetworks.parse("10.20.0.0/24, fd12::/64")
EVERYWHERE = CameraNetworks.parse("0.0.0.0/0, ::/0")

OUTSIDE = (
    *("10.20.1.1", "192.0.2.7", "127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
    *("::1", "::", "fd13::1", "fe80::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:192.0.2.7", "64:ff9b::a14:7", "2002:a14:7::", "fd12::1%eth0"),
)


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_address_outside_is_refused(text):
    assert not STREET.allows(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["10.20.0.7", "fd12::7", "::ffff:10.20.0.7"])
def test_an_address_inside_is_allowed(text):
    assert STREET.allows(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_everywhere_does_not_mean_here_nor_what_hides_another_address(text):
    assert not EVERYWHERE.allows(ipaddress.ip_address(text))
    assert EVERYWHERE.allows(ipaddress.ip_address("192.0.2.7"))


def test_loopback_counts_where_it_is_listed_itself():
    assert CameraNetworks.parse("127.0.0.0/8").allows(ipaddress.ip_address("127.0.0.1"))
    assert CameraNetworks.parse("127.0.0.1/32, ::1/128").allows(ipaddress.ip_address("::1"))


def test_nothing_is_allowed_where_nothing_is_listed():
    assert not CameraNetworks.parse("").allows(ipaddress.ip_address("10.20.0.7"))
    with pytest.raises(UsageError, match=r"camera_networks: none"):
        CameraNetworks.parse("").connect(StreamAddress.parse("rtsp://127.0.0.1/street"))


@pytest.mark.parametrize("text", ["10.20.0.7/24", "street", "10.20.0.0/33", "fd12::/200", "10.20.0.0/24;"])
def test_a_list_with_something_else_in_it_is_refused(text):
    with pytest.raises(UsageError, match="is no network"):
        CameraNetworks.parse(f"10.0.0.0/8, {text}")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost"])
def test_however_loopback_is_spelled_it_is_refused(host):
    with pytest.raises(UsageError, match="is in no network that settings"):
        EVERYWHERE.connect(StreamAddress.parse(f"rtsp://{host}:9/street"))


def test_one_bad_address_of_a_name_refuses_them_all(monkeypatch):
    """Otherwise whoever answers for the name chooses which one is asked."""
    answers = [(socket.AF_INET, 1, 6, "", (ip, 554)) for ip in ("10.20.0.7", "192.0.2.7")]
    monkeypatch.setattr(networks.socket, "getaddrinfo", lambda *_a, **_k: answers)
    with pytest.raises(UsageError, match=r"192\.0\.2\.7"):
        STREET.connect(StreamAddress.parse("rtsp://camera.example/street"))


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    asked = []
    answers = [(socket.AF_INET, 1, 6, "", ("10.20.0.7", 554))]
    monkeypatch.setattr(networks.socket, "getaddrinfo", lambda *_a, **_k: answers)
    monkeypatch.setattr(
        networks.socket, "create_connection", lambda where, _seconds: asked.append(where) or "connected"
    )
    assert STREET.connect(StreamAddress.parse("rtsp://camera.example/street")) == "connected"
    assert asked == [("10.20.0.7", 554)]


def test_nobody_there_is_no_usage_error():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    with pytest.raises(InputRefused, match="does not answer"):
        CameraNetworks.parse("127.0.0.0/8").connect(StreamAddress.parse(f"rtsp://127.0.0.1:{port}/street"))


BAD = (
    *("", "street", "http://10.20.0.7/street", "file:///etc/passwd", "rtsp://", "rtsp:///street"),
    *("rtsp://10.20.0.7:99999/", "rtsp://10.20.0.7:0/", "rtsp://10.20.0.7/a b", "rtsp://10.20.0.7/\nx"),
    *("rtsp://[fe80::1%25eth0]/", "rtsp://straße.example/", "rtsp://10.20.0.7/" + "a" * 3000, "rtsp://[::1"),
)


@pytest.mark.parametrize("text", [*BAD, "rtsp://viewer:s3cret@:554/"])
def test_what_is_no_stream_s_address_is_refused_without_repeating_it(text):
    with pytest.raises(UsageError) as refused:
        StreamAddress.parse(f"{text}?s3cret" if text else "")
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_address_shows_neither_login_nor_path():
    address = StreamAddress.parse("rtsp://viewer:s3cret@10.20.0.7/user=admin_password=tlJwpbo6")
    for shown in (str(address), repr(address), f"{address}", f"{address!r}"):
        assert "10.20.0.7" in shown
        assert not {"viewer", "s3cret", "admin", "tlJwpbo6"} & set(shown.replace("'", "/").split("/"))
        assert "s3cret" not in shown
        assert "tlJw" not in shown
    assert str(address) == "rtsp://10.20.0.7:554"
    assert str(StreamAddress.parse("rtsp://[fd12::7]:8554/x")) == "rtsp://[fd12::7]:8554"
    assert address.has_login
    assert not StreamAddress.parse("rtsp://10.20.0.7/a@b").has_login
