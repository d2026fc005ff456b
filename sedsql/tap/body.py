"""Unpack the body of an HTTP answer block by block; no block is larger than its limit, however well it is packed."""

import zlib
from collections.abc import Iterable, Iterator

import requests
import urllib3

from sedsql.tap.errors import Damaged, Refused
from sedsql.tap.retry import Slow, TransientError
from sedsql.tap.wire import watched

_BLOCK = 1 << 18
"""Blocks of about this size: expat would read a long tag again for each small one."""


def blocks(response: requests.Response) -> Iterator[bytes]:
    """Read the bytes that were sent, gzip'ed or not, by HTTP or by themselves, in blocks of at most `_BLOCK`.

    TransientError, Slow and Damaged where the answer is cut.
    """
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    came: Iterable[bytes] = _came(response)
    if packed in ("gzip", "x-gzip"):
        came = _unzipped(came)
    elif packed not in ("", "identity"):
        raise Refused(f"The answer is packed as {packed[:20]!r}, which was not asked for; sedsql reads gzip.")
    return unpacked(came)


def unpacked(came: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack a file that may be gzip'ed, in blocks of about the same size."""
    came = _joined(came)
    first = next(came, b"")
    rest = _chained(first, came)
    return _joined(_unzipped(rest)) if first[:2] == b"\x1f\x8b" else rest


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
        yield from rest


def _came(response: requests.Response) -> Iterator[bytes]:
    watch = watched.get(None)
    try:
        for block in response.raw.stream(1 << 16, decode_content=False):
            if watch:
                watch.body += len(block)
            yield block
    except urllib3.exceptions.ReadTimeoutError:
        raise Slow(f"no answer within {watch.silence:g} seconds" if watch else "no answer in time") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise TransientError("the answer was cut") from None


def _joined(came: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for block in came:
        waiting.append(block)
        size += len(block)
        if size >= _BLOCK:
            whole = b"".join(waiting)
            yield from (whole[at : at + _BLOCK] for at in range(0, size, _BLOCK))
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)


def _unzipped(came: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip, which has members one after another (RFC 1952, Section 2.2)."""
    member, began = zlib.decompressobj(31), False
    try:
        for block in came:
            began, is_full = True, False
            while block or is_full:
                if member.eof:
                    if not block.strip(b"\0"):  # padding, as gzip itself allows
                        break
                    member = zlib.decompressobj(31)
                some = member.decompress(block, _BLOCK)
                yield some
                block, is_full = member.unconsumed_tail or member.unused_data, len(some) == _BLOCK
        if began and not member.eof:
            raise Damaged("The answer's gzip stream ends early or is damaged.")
    except zlib.error:
        raise Damaged("The answer's gzip stream ends early or is damaged.") from None
