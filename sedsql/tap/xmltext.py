"""Read XML from a service, which may be anything, by expat: without entities, no deeper and longer than allowed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from xml.parsers import expat

from sedsql.tap.errors import Damaged, Unbounded
from sedsql.tap.limits import Limits


class Parser:
    """expat, which calls `start`, `end` and `text` with what it reads, until they are exchanged.

    A document type with declarations of its own is refused: entities in entities, and attributes that stand for all
    elements, make gigabytes of a few bytes. What it names elsewhere is never fetched, as nothing here asks expat to.
    """

    def __init__(self, limits: Limits, **handlers: Callable):
        self.limits = limits
        self._fed = 0
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.buffer_size = 1 << 16
        self._expat.StartDoctypeDeclHandler = _doctype
        self.tell(**handlers)

    def tell(self, start: Callable, end: Callable, text: Callable) -> None:
        """Exchange the functions that are called: start(tag, attributes), end(tag), text(characters)."""
        self._expat.StartElementHandler = start
        self._expat.EndElementHandler = end
        self._expat.CharacterDataHandler = text

    def feed(self, block: bytes, last: bool = False) -> None:
        """Read the next bytes. Damaged where they are no XML."""
        try:
            self._expat.Parse(block, last)
        except expat.ExpatError as error:
            raise NoXML(f"The answer is not whole: {expat.ErrorString(error.code)} in line {error.lineno}.") from None
        except (ValueError, LookupError) as error:  # an encoding that Python has no use of
            raise NoXML(f"The answer is not whole: {error}.") from None
        self._fed += len(block)
        if self._fed - self._expat.CurrentByteIndex > self.limits.token:
            raise Unbounded(f"sends a tag or a comment of more than {size(self.limits.token)}")


class NoXML(Damaged):
    """A text is no XML, or not to its end."""


def _doctype(name: str, system: str | None, public: str | None, has_declarations: bool) -> None:
    if has_declarations:
        raise Unbounded("sends XML that declares entities or attributes of its own, which no TAP service needs to")


@dataclass
class Element:
    """An element; names are without prefixes."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, *path: str) -> list["Element"]:
        """The elements that a path of tags leads to."""
        found = [self]
        for tag in path:
            found = [child for element in found for child in element.children if child.tag == tag]
        return found

    def words(self, *path: str) -> str:
        """The text of the first element that a path leads to, on one line; empty where there is none."""
        return next((" ".join(element.text.split()) for element in self.all(*path)), "")


def document(
    blocks: Iterable[bytes], most: int, limits: Limits, each: dict[str, Callable[[Element], None]] | None = None
) -> Element:
    """Read an XML document; gives its root.

    most : bytes of it
    each : called with the elements of a tag as they end, which are forgotten then, so that a long list takes no memory
    """
    return _Document(limits, each or {}).read(blocks, most)


class _Document:
    def __init__(self, limits: Limits, each: dict[str, Callable[[Element], None]]):
        self._limits, self._each = limits, each
        self._open: list[Element] = [Element("")]
        self._words: list[list[str]] = [[]]
        self._before: list[tuple[int, int]] = [(0, 0)]
        self._elements = self._text = 0
        self._parser = Parser(limits, start=self._start, end=self._end, text=self._characters)

    def read(self, blocks: Iterable[bytes], most: int) -> Element:
        came = 0
        for block in blocks:
            came += len(block)
            if came > most:
                raise Unbounded(f"sends a document of more than {size(most)}")
            self._parser.feed(block)
        self._parser.feed(b"", last=True)
        return next(iter(self._open[0].children), Element(""))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._before.append((self._elements, self._text))
        self._elements += 1
        if self._elements > self._limits.elements:
            raise Unbounded(f"sends a document of more than {self._limits.elements:,} elements")
        if len(self._open) > self._limits.depth:
            raise Unbounded(f"sends a document of more than {self._limits.depth} elements in each other")
        element = Element(_local(tag), {_local(name): value for name, value in attributes.items()})
        self._open[-1].children.append(element)
        self._open.append(element)
        self._words.append([])

    def _characters(self, text: str) -> None:
        self._text += len(text)
        if self._text > self._limits.text:
            raise Unbounded(f"sends a document with more than {size(self._limits.text)} of text")
        self._words[-1].append(text)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._words.pop())
        before = self._before.pop()
        if told := self._each.get(element.tag):
            told(element)
            self._open[-1].children.pop()
            self._elements, self._text = before


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / 1e6:,.0f} MB" if number >= 1_000_000 else f"{number:,} bytes"
