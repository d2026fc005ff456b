"""Make documents wrong, by bytes and by elements; the same seed makes the same documents."""

import base64
import gzip
import random
import re
from collections.abc import Callable

_TAG = re.compile(rb"<[^<>!?]*>")
_VALUE = re.compile(rb"""=("[^"]*"|'[^']*')""")
_ELEMENT = re.compile(rb"<([A-Za-z:]+)\b[^<>]*(?:/>|>(?:[^<]|<(?!/?\1\b))*</\1>)")
_TEXT = re.compile(rb">[^<>]+<")
_ATTRIBUTES = [b"name", b"datatype", b"arraysize", b"null", b"nrows", b"type", b"href", b"encoding", b"xtype"]

WORDS = [
    b"", b"0", b"00", b"1", b"-1", b"*", b"3x*", b"2x2x2x2x2x2x2", b"2x2x2x2x2x2x2x2x2x2", b"1x1000000", b"99999999",
    b"9999999999", b"18446744073709551616", b"1" * 5000, b"0x" + b"f" * 50, b"1e400", b"-1e400", b"nan", b"NaN", b"Inf",
    b"bit", b"boolean", b"unsignedByte", b"short", b"int", b"long", b"float", b"double", b"char", b"unicodeChar",
    b"floatComplex", b"timestamp", b"OK", b"ERROR", b"OVERFLOW", b"QUERY_STATUS", b"base64", b"gzip", b"results",
    b"COMPLETED", b"PENDING", b"http://[::1", b"//x", b"results/result", b"\xc3\xa9", b"\xff", b"&lt;", b"&x;",
    b"&#1114112;", b"\xf0\x9f\x98\x80", b"\0", b" ", b"]]>", b"a" * 70_000, b"vs:TableAccess", b"true", b"?", b"T",
    b"9999-12-31T23:59:59.999999999Z", b"-290000-01-01T00:00:00Z", b"2016-01-01", b"1 2 3", b"+7", b"1_0", b"&#0;",
    b"meta", b"\xe2\x80\xae",
]  # fmt: skip
_NAMES = [
    b"VOTABLE", b"RESOURCE", b"TABLE", b"FIELD", b"PARAM", b"GROUP", b"INFO", b"VALUES", b"DATA", b"BINARY", b"BINARY2",
    b"TABLEDATA", b"STREAM", b"FITS", b"TR", b"TD", b"DESCRIPTION", b"table", b"column", b"name", b"dataType", b"job",
    b"uws:phase", b"capability", b"x",
]  # fmt: skip


def mutated(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The document with some to many mistakes."""
    for _ in range(chance.choice((1, 1, 1, 1, 1, 2, 2, 3, 5, 20))):
        text = chance.choice(_ALL)(text, chance, others)
        if len(text) > 2_000_000:
            break
    return text


def _span(text: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(text) + 1)
    return start, min(len(text), start + int(chance.expovariate(1 / chance.choice((1, 4, 40, 400)))))


def _byte(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    if not text:
        return text
    place = chance.randrange(len(text))
    return text[:place] + bytes([chance.randrange(256)]) + text[place + 1 :]


def _cut(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    start, end = _span(text, chance)
    return text[:start] + text[end:]


def _end(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def _again(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    start, end = _span(text, chance)
    return text[:end] + text[start:end] * chance.choice((1, 2, 50)) + text[end:]


def _splice(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    other = chance.choice(others)
    (start, end), (first, last) = _span(text, chance), _span(other, chance)
    return text[:start] + other[first:last] + text[end:]


def _at(pattern: re.Pattern, change: Callable[[bytes, random.Random, list[bytes]], bytes]) -> Callable:
    """Changes one of the places that a pattern finds."""

    def mutate(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
        found = list(pattern.finditer(text))
        if not found:
            return text
        match = chance.choice(found)
        return text[: match.start()] + change(match[0], chance, others) + text[match.end() :]

    return mutate


def _value(value: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return b'="' + chance.choice(WORDS).replace(b'"', b"") + b'"'


def _text(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return b">" + chance.choice(WORDS) + b"<"


def _tag(tag: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return re.sub(rb"[A-Za-z:]+", chance.choice(_NAMES), tag, count=1)


def _attribute(tag: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    name = chance.choice(_ATTRIBUTES)
    return tag.rstrip(b"/>") + b" " + name + _value(b"", chance, others) + (b"/>" if tag.endswith(b"/>") else b">")


def _element(element: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Gone, often, in each other, or another one's."""
    match chance.randrange(5):
        case 0:
            return b""
        case 1:
            return element * chance.choice((2, 3, 300))
        case 2:
            name = chance.choice(_NAMES)
            depth = chance.choice((1, 5, 49, 60, 2000))
            return (b"<" + name + b">") * depth + element + (b"</" + name + b">") * depth
        case 3:
            found = _ELEMENT.findall(chance.choice(others))
            other = chance.choice(list(_ELEMENT.finditer(chance.choice(others))) or [None]) if found else None
            return element + other[0] if other else element
        case _:
            return b"<!-- " + element.replace(b"--", b"") + b" -->"


def _doctype(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    inside = chance.choice(
        (b"", b' [<!ENTITY x "y">]', b' [<!ATTLIST TD a CDATA "aaaa">]', b' SYSTEM "http://127.0.0.1:1/"')
    )
    return re.sub(rb"(?=<[A-Za-z])", b"<!DOCTYPE x" + inside + b">", text, count=1)


def _coding(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    coding = chance.choice((b"utf-16", b"latin-1", b"ascii", b"utf-7", b"x", b"idna", b"base64", b"utf-32", b"koi8-r"))
    return b'<?xml version="1.0" encoding="' + coding + b'"?>' + re.sub(rb"<\?xml[^>]*\?>", b"", text, count=1)


def _recoded(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return text.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-8-sig", "utf-16-be")))


_STREAM = re.compile(rb"(?<=base64.>)[A-Za-z0-9+/=\s]+(?=<)")


def _rows(stream: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The bytes of rows, mutated and written again without fault."""
    try:
        raw = base64.b64decode(stream)
    except ValueError:
        return stream
    for _ in range(chance.choice((1, 2, 8))):
        raw = chance.choice((_byte, _cut, _end, _again, _lengths))(raw, chance, others)
    return base64.encodebytes(raw) if chance.random() < 0.5 else base64.b64encode(raw)


def _lengths(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place = chance.randrange(len(raw) + 1)
    length = chance.choice((0, 1, 2, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1))
    return raw[:place] + length.to_bytes(4, "big") + raw[place + 4 :]


def _zipped(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    packed = gzip.compress(text, 1)
    return chance.choice((_byte, _cut, _end, _again, lambda text, *_: text))(packed, chance, others)


_ALL = [
    _byte, _byte, _cut, _end, _again, _splice,
    *[_at(_VALUE, _value)] * 4, *[_at(_TEXT, _text)] * 3, *[_at(_ELEMENT, _element)] * 4, *[_at(_STREAM, _rows)] * 4,
    _at(_TAG, _tag), _at(_TAG, _attribute), _doctype, _coding, _recoded, _zipped,
]  # fmt: skip
