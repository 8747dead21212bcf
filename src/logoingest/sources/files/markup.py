"""XML from strangers: elements built one at a time, so that a file of any size needs no more memory than its largest one.

A document type declaration is refused, and with it every entity (expansion bombs, external files); depth and size of what is built
are bounded. Prefixes of namespaces are dropped from the names of elements.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET  # only the tree; what parses is the guarded expat below
from collections import deque
from collections.abc import Iterator
from typing import IO, Protocol
from xml.parsers import expat

#: Characters and elements of one element that is built, at most; and how deep a file may be nested.
MAX_ELEMENT_CHARS = 16 << 20
_MAX_ELEMENTS = 200_000
_MAX_DEPTH = 32
_PIECE_BYTES = 1 << 16


class MarkupError(ValueError):
    """What is no XML that may be read; the message says why."""


class _Builder:
    """expat's events as elements: the root (without what it holds) and each of its children, whole."""

    def __init__(self) -> None:
        self.root: ET.Element | None = None
        self.built: deque[ET.Element] = deque()
        self._tree = ET.TreeBuilder()
        self._depth = self._chars = self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = tag.rpartition(":")[2]
        if self._depth > _MAX_DEPTH:
            raise MarkupError("is nested too deeply")
        if self.root is None:
            self.root = ET.Element(name, attributes)
            return
        self._elements += 1
        self._count(len(tag) + sum(len(key) + len(value) for key, value in attributes.items()))
        self._tree.start(name, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth:
            self._tree.end(tag.rpartition(":")[2])
        if self._depth == 1:
            self.built.append(self._tree.close())
            self._tree = ET.TreeBuilder()
            self._chars = self._elements = 0

    def data(self, text: str) -> None:
        if self._depth > 1:
            self._count(len(text))
            self._tree.data(text)

    def _count(self, characters: int) -> None:
        self._chars += characters
        if self._chars > MAX_ELEMENT_CHARS or self._elements > _MAX_ELEMENTS:
            raise MarkupError(f"has an element larger than {MAX_ELEMENT_CHARS >> 20} MiB")


def iterate_elements(stream: IO[bytes]) -> Iterator[ET.Element]:
    """The root without its children, then every child of it, whole.

    Raises:
        MarkupError: it is not XML, has a document type, is nested more than 32 deep, or a child is larger than 16 MiB. What stood
            before the fault has been given.
    """
    builder = _Builder()
    told = False
    for fault in feed_handlers(stream, builder):
        if builder.root is not None and not told:
            told = True
            yield builder.root
        while builder.built:
            yield builder.built.popleft()
        if fault:
            raise fault


class Handlers(Protocol):
    """What is told of elements as they come; names with their prefixes."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """A piece of text."""


def feed_handlers(stream: IO[bytes], handlers: Handlers) -> Iterator[MarkupError | None]:
    """Tell the handlers a file piece by piece; yields after each of them, with the fault when it is the last that can be read."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.start
    parser.EndElementHandler = handlers.end
    parser.CharacterDataHandler = handlers.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    while True:
        piece = stream.read(_PIECE_BYTES)
        fault = _feed(parser, piece)
        yield fault
        if fault or not piece:
            return


def _feed(parser: expat.XMLParserType, piece: bytes) -> MarkupError | None:
    try:
        parser.Parse(piece, not piece)
    except MarkupError as error:
        return error
    except (expat.ExpatError, LookupError, UnicodeError, ValueError) as error:
        return MarkupError(f"is not valid XML: {error}")
    return None


def _refuse_doctype(*_: object) -> None:
    raise MarkupError("has a document type declaration, which no annotation format needs and which may hold a bomb")


def read_root(stream: IO[bytes]) -> ET.Element:
    """The root element without its children.

    Raises:
        MarkupError: as ``iterate_elements``.
    """
    root = next(iterate_elements(stream), None)
    if root is None:
        raise MarkupError("is not valid XML: no element found")
    return root


def parse_tree(data: bytes | str) -> ET.Element:
    """A small document, whole.

    Raises:
        MarkupError: as ``iterate_elements``; or it is larger than 16 MiB.
    """
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(encoded) > MAX_ELEMENT_CHARS:
        raise MarkupError(f"is larger than {MAX_ELEMENT_CHARS >> 20} MiB")
    elements = list(iterate_elements(io.BytesIO(encoded)))
    if not elements:
        raise MarkupError("is not valid XML: no element found")
    root = elements[0]
    root.extend(elements[1:])
    return root


def read_text(element: ET.Element, path: str) -> str:
    """The text of the first element at a path, without outer white space; "" when there is none."""
    return (element.findtext(path) or "").strip()
