"""Frames between a server and a worker: a letter, the length of what follows, and that."""

import socket
import struct

HEADER = struct.Struct(">cI")

SETTINGS, TASK, STOP = b"S", b"T", b"X"
"""What a server sends: settings once, tasks one after another, and the reason why a query is to stop."""
READY, TAKEN, HEAD, DATA, ERROR, END = b"R", b"B", b"H", b"D", b"E", b"Z"
"""What a worker sends: that it is ready; of each task that it has it, a head, data, and an error or an end."""


def frame(kind: bytes, content: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(content)) + content


def receive(channel: socket.socket) -> tuple[bytes, bytes] | None:
    """The next frame; None where the other side has gone."""
    header = _exactly(channel, HEADER.size)
    if header is None:
        return None
    kind, length = HEADER.unpack(header)
    content = _exactly(channel, length)
    return None if content is None else (kind, content)


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = []
    while size:
        try:
            part = channel.recv(size)
        except ConnectionError:
            return None
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
