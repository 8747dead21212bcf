"""Opening a source file safely: is it there, is it text, in which encoding; lines of bounded length.

Everything here is streamed, so that a large file costs time, not memory; a gzip file (by content, whatever its name) is read
through. What is wrong with a whole file is a ``SourceError``; what is wrong with one line is told to the caller, who rejects a row.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from logoingest.errors import Problem, SourceError
from logoingest.named_files import explain_missing, find_foreign_kind

#: Characters of one line, at most; a longer line is one bad row.
MAX_LINE_CHARS = 8 << 20
_HEAD_BYTES = 1 << 16

#: How what another kind of file holds becomes a source.
_WAYS_OUT = (
    (("picture", "WebP"), "a source lists URLs of pictures"),
    (("Excel", "RTF"), "save the table as CSV UTF-8"),
    (("Arrow", "Avro"), "write it as Parquet"),
    (("HDF5", "pickle"), "write its table as Parquet or CSV"),
    (("NumPy",), "write its rows as CSV"),
    (("SQLite",), "export its table as CSV"),
    (("compressed",), "unpack it, or compress it with gzip"),
    (("7z",), "unpack it"),
    (("Parquet",), 'read it with format = "tabular"'),
    (("PDF", "program"), "a source is csv, tsv, jsonl, json, parquet or a list of URLs"),
)
#: What a zip is by the first name in it that begins so, and what to do instead.
_PACKED = (
    ("xl/", "is an Excel workbook", 'read it with format = "tabular"'),
    ("Index/", "is a Numbers document", "export the table as Excel or CSV"),
    ("content.xml", "is an OpenDocument file", "save the sheet as .xlsx or CSV"),
    ("word/", "is a Word document", "save the table as CSV UTF-8"),
)
#: Old Office files, and the wrapping of new ones that have a password, which then hold a part of this name.
_COMPOUND = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class SourceFile(NamedTuple):
    """A source file: where it is, what people call it (the path as the config gives it), its declared encoding; of a workbook the sheet."""

    path: Path
    name: str
    encoding: str = "utf-8"
    sheet: str | None = None

    def fault(self, what: str, hint: str = "") -> SourceError:
        """A SourceError about this file."""
        return SourceError(Problem(self.name, what, hint))


class LineTooLongError(ValueError):
    """One line is longer than ``MAX_LINE_CHARS``; the next line can be read all the same."""


class LineReader:
    """An iterator over lines (ends kept) that survives a line without end and takes lines back.

    ``number`` is the 1-based number of the line given last.
    """

    def __init__(self, file: SourceFile, stream: IO[str]) -> None:
        self.number = 0
        self.file = file
        self._stream = stream
        self._returned: deque[str] = deque()

    def __iter__(self) -> LineReader:
        return self

    def __next__(self) -> str:
        try:
            line = self._returned.popleft() if self._returned else self._stream.readline(MAX_LINE_CHARS)
        except UnicodeError:
            raise _describe_encoding(self.file) from None
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE_CHARS and line[-1] not in "\r\n":
            while (rest := self._decode(self._stream.readline)) and rest[-1] not in "\r\n":
                pass
            raise LineTooLongError(f"a line is longer than {MAX_LINE_CHARS:,} characters")
        return line

    def readable(self) -> Iterator[str]:
        """The lines but for those that are too long."""
        while True:
            with suppress(LineTooLongError):
                line = next(self, None)
                if line is None:
                    return
                yield line

    def take_back(self, lines: list[str]) -> None:
        """Give these lines, the last ones read, once more."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)

    def read_piece(self, characters: int) -> str:
        """Up to so many characters regardless of lines; "" at the end. Not to be mixed with lines."""
        return self._decode(self._stream.read, characters)

    def _decode(self, read: Callable[[int], str], characters: int = MAX_LINE_CHARS) -> str:
        try:
            return read(characters)
        except UnicodeError:
            raise _describe_encoding(self.file) from None


def check_file(file: SourceFile) -> None:
    """See that the file is there, is a file and is not empty.

    Raises:
        SourceError: it is not.
    """
    path = file.path
    try:
        if path.is_dir():
            raise file.fault("is a folder", 'name one file, or say format = "voc" for a folder of Pascal VOC files')
        if not path.exists():
            raise file.fault(*explain_missing(path, f"looked for in {path.parent.absolute()}"))
        if not path.is_file():
            raise file.fault("is no regular file")
    except (OSError, ValueError) as error:
        raise file.fault(f"cannot be read ({_explain(error)})") from None
    if not read_head(file):
        raise file.fault("is empty")


def read_head(file: SourceFile) -> bytes:
    """The first 64 KiB, unpacked when gzipped.

    Raises:
        SourceError: the file cannot be read.
    """
    with open_binary(file) as stream:
        return stream.read(_HEAD_BYTES)


@contextmanager
def open_binary(file: SourceFile) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked when gzipped; faults of reading inside the block are raised as SourceError."""
    try:
        with file.path.open("rb") as raw:
            if raw.peek(2)[:2] == b"\x1f\x8b":
                with gzip.open(raw) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise file.fault(f"is a damaged gzip file ({error})", "download it again") from None
    except OSError as error:
        raise file.fault(f"cannot be read ({_explain(error)})") from None


@contextmanager
def open_lines(file: SourceFile) -> Iterator[LineReader]:
    """The file's lines, decoded; line ends untouched, a byte-order mark dropped.

    Raises:
        SourceError: it is binary, empty, not in its declared encoding, or cannot be read.
    """
    encoding = check_encoding(file)
    head = read_head(file)
    _refuse_binary(file, head, encoding)
    with open_binary(file) as binary:
        stream = io.TextIOWrapper(binary, encoding=encoding, newline="")
        try:
            yield LineReader(file, stream)
        finally:
            stream.detach()


def check_encoding(file: SourceFile) -> str:
    """Python's name of the file's encoding; UTF-8 with or without a byte-order mark is one.

    Raises:
        SourceError: there is no such text encoding.
    """
    try:
        name = codecs.lookup(file.encoding).name
        "".encode(name)
        codecs.getincrementaldecoder(name)().decode(b"")
    except (LookupError, UnicodeError, ValueError):
        hint = 'for example "utf-8", "utf-16", "cp1252", "shift_jis"'
        raise file.fault(f"there is no text encoding {file.encoding!r}", hint) from None
    return "utf-8-sig" if name == "utf-8" else name


def _refuse_binary(file: SourceFile, head: bytes, encoding: str) -> None:
    if head.startswith(b"PK\x03\x04"):
        raise file.fault(*_describe_zip(file.path))
    if _HTML.match(head):
        raise file.fault(*_describe_page(file))
    if head.startswith(_COMPOUND):
        raise file.fault(*_describe_compound(file))
    if (what := find_foreign_kind(head)) is not None:
        raise file.fault(what, next(hint for words, hint in _WAYS_OUT if any(word in what for word in words)))
    if head.startswith(_UTF16_MARKS) and not encoding.startswith(("utf-16", "utf-32")):
        raise file.fault("is UTF-16 text", 'declare it: encoding = "utf-16"')
    if "\x00" in codecs.getincrementaldecoder(encoding)("replace").decode(head):
        hint = "a source is csv, tsv, jsonl, json, parquet or a list of URLs; if it is text, declare its encoding"
        raise file.fault(f"is a binary file (a NUL byte at offset {head.find(0)})", hint)


def is_workbook(file: SourceFile, head: bytes) -> bool:
    """Whether a file that begins so is an Excel workbook of today's kind, whatever its name."""
    return head.startswith(b"PK\x03\x04") and file.path.is_file() and _describe_zip(file.path) == _PACKED[0][1:]


def _describe_page(file: SourceFile) -> tuple[str, str]:
    if file.path.suffix.lower().startswith(".xls"):
        return "is a web page (HTML) under an Excel file's name", "if it shows a table, open it in Excel and save it as .xlsx"
    return "is a web page (HTML), often a sign-in or error page", "download the file itself, not the page that shows it"


def _describe_compound(file: SourceFile) -> tuple[str, str]:
    """What an old Office file is, and what to do instead of naming it as a source."""
    with open_binary(file) as stream:
        before = b""
        while piece := stream.read(1 << 20):
            if _ENCRYPTED in before + piece:
                return "is a workbook with a password", "save it without one"
            before = piece[-len(_ENCRYPTED) :]
    return "is an old Excel or Word file", "save the sheet as .xlsx or CSV UTF-8"


def _describe_zip(path: Path) -> tuple[str, str]:
    """What a zip file is, and what to do instead of naming it as a source."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return "is a damaged zip archive or Excel workbook", "download it again; unpack it, or save the sheet as .xlsx"
    for beginning, what, hint in _PACKED:
        if any(name.startswith(beginning) for name in names):
            return what, hint
    shown = ", ".join(repr(name[:60]) for name in names[:3])
    return f"is a zip archive ({shown}{' …' if len(names) > 3 else ''})", "unpack it and name the file with the answers"


def _describe_encoding(file: SourceFile) -> SourceError:
    """Where the first byte stands that the encoding does not have: found by reading once more."""
    decoder = codecs.getincrementaldecoder(check_encoding(file))()
    offset = newlines = 0
    with open_binary(file) as stream:
        while True:
            chunk = stream.read(1 << 20)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                data = pending + chunk
                line = newlines + data[:start].count(b"\n") + 1
                where = f"byte 0x{data[start]:02x} at offset {offset - len(pending) + start} (line {line})"
                hint = f'declare the encoding, for example encoding = "{guess_encoding(data)}"'
                return file.fault(f"is not {file.encoding}: {where}", hint)
            offset += len(chunk)
            newlines += chunk.count(b"\n")
            if not chunk:
                return file.fault(f"is not {file.encoding}")


def guess_encoding(data: bytes) -> str:
    """The likeliest encoding of a piece of text that may have been cut anywhere; a proposal for people, not a decision.

    UTF-16 by its mark; UTF-8 when it decodes; else by habits: kana in Shift JIS, pairs of common ideographs in GB 18030, words of
    high bytes in Windows-1251, lone high bytes in Windows-1252.
    """
    if data.startswith(_UTF16_MARKS):
        return "utf-16"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data)]
    high = sum(runs)
    if _decodes(data, "utf-8"):
        return "utf-8"
    if len(re.findall(rb"[\x82\x83][\x40-\xfc]", data)) > 0.2 * high and _decodes(data, "shift_jis"):
        return "shift_jis"
    if runs.count(1) < 0.3 * len(runs):
        if len(re.findall(rb"[\xb0-\xd7][\xa1-\xfe]", data)) > 0.35 * high and _decodes(data, "gb18030"):
            return "gb18030"
        if len(re.findall(rb"[\xc0-\xff]", data)) > 0.9 * high:
            return "cp1251"
    return "cp1252" if _decodes(data, "cp1252") else "latin-1"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _explain(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
