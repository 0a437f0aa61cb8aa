"""Many connections in one process, none of which the process ever waits for."""

import errno
import selectors
import socket
import struct

from stream_client import ERROR, HELLO, frame


def hello(sources=(1,), name=b"hostile"):
    """A hello with sources by their codes."""
    payload = struct.pack("<H6x", len(name)) + name
    for source in sources:
        payload += struct.pack("<HBB", source, 0, 0)
    return frame(HELLO, payload, count=len(sources))


def error_text(received):
    """The code and text of an error frame at the end of what came; None when there is none."""
    place = 0
    while len(received) >= place + 32:
        kind = received[place + 5]
        length = struct.unpack_from("<I", received, place + 8)[0]
        if kind == ERROR and len(received) >= place + 32 + length:
            code, _, text_length = struct.unpack_from("<HBxH", received, place + 32)
            text = bytes(received[place + 48:place + 48 + text_length])
            return code, text.decode(errors="replace")
        place += 32 + length
    return None


class Crowd:
    """Connections to a port, without blocking."""

    def __init__(self, port, receive_bytes=None):
        self._port = port
        self._receive_bytes = receive_bytes
        self.sockets = []

    def open(self, count):
        """Opens so many more; fewer when the system has no more descriptors."""
        for _ in range(count):
            try:
                peer = socket.socket()
            except OSError as error:
                if error.errno == errno.EMFILE:
                    break
                raise
            if self._receive_bytes:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
            peer.settimeout(20)
            try:
                peer.connect(("127.0.0.1", self._port))
            except OSError:
                peer.close()
                continue
            peer.setblocking(False)
            self.sockets.append(peer)

    def send(self, peer, data):
        """Sends what goes at once; returns how many bytes did, -1 when the connection is gone."""
        try:
            return peer.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def close(self):
        """Closes all of them."""
        for peer in self.sockets:
            peer.close()
        self.sockets = []


def read_end(peer, seconds):
    """Everything that comes until the other side closes."""
    received = bytearray()
    peer.settimeout(seconds)
    try:
        while piece := peer.recv(65536):
            received += piece
    except OSError:
        pass
    return received


def writable(peers, seconds):
    """Those of some connections that take bytes now."""
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            try:
                selector.register(peer, selectors.EVENT_WRITE)
            except (ValueError, KeyError):
                continue
        return [key.fileobj for key, _ in selector.select(seconds)]
