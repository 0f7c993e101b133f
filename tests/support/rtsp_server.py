"""A real RTSP server, GStreamer's, on 127.0.0.1: ``/usr/bin/python3 rtsp_server.py PORT [USER PASSWORD] [--frames PATTERN]``.

Run by the system's Python, which has Debian's bindings. Serves ``/street``: a moving ball, or the JPEG files of PATTERN
(``…/%03d.jpg``) over and over, 15 frames a second. Says "ready" once it listens.
"""

from __future__ import annotations

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ENCODE = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=4000 ! rtph264pay name=pay0 pt=96 config-interval=1"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("login", nargs="*")
    parser.add_argument("--frames")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    factory = GstRtspServer.RTSPMediaFactory()
    source = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1"
    if options.frames:
        source = (
            f"multifilesrc location={options.frames} loop=true caps=image/jpeg,framerate=15/1 ! jpegdec "
            "! videoconvert ! identity sync=true"
        )
    factory.set_launch(f"( {source} ! videoconvert ! video/x-raw,format=I420 ! {ENCODE} )")
    factory.set_shared(True)
    if options.login:
        protect(server, factory, *options.login)
    server.get_mount_points().add_factory("/street", factory)
    if not server.attach(None):
        raise SystemExit("the port is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def protect(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str
) -> None:
    """Only this login, asked for by Digest."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("viewer")
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
