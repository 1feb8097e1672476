"""Text files as blocks of whole lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from source import Unreadable

BLOCK = 16 << 20  # bytes; no line is longer


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, the last one of the file with or without its line feed.

    Args:
        path: the file.
        offset: bytes of the file before the block.
        data: the lines.
    """

    path: Path
    offset: int
    data: bytes

    def text(self) -> str:
        """The block decoded.

        Raises:
            Unreadable: it is not UTF-8.
        """
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.line() + self.data[: error.start].count(b"\n")
            found = f"byte 0x{self.data[error.start]:02x} in line {line:,}"
            raise Unreadable("encoding", f"is not UTF-8: {found}; is it text? export it as UTF-8") from error

    def line(self) -> int:
        """Number of the block's first line. The file is read again for it: few blocks are ever asked."""
        count, left = 1, self.offset
        with self.path.open("rb") as file:
            while part := file.read(min(left, BLOCK)):
                count, left = count + part.count(b"\n"), left - len(part)
        return count


def blocks(path: Path, start: int = 0) -> Iterator[Block]:
    """The lines of a file from a byte on that begins a line; blocks of nothing but blank lines are left out.

    Raises:
        Unreadable: a line is longer than a block.
    """
    rest, offset = b"", start
    with path.open("rb") as file:
        file.seek(start)
        while read := file.read(BLOCK):
            end = read.rfind(b"\n") + 1
            if not end and len(rest) + len(read) > BLOCK:
                line = Block(path, offset, rest).line()
                raise Unreadable("format", f"line {line:,} is longer than {BLOCK >> 20} MB: is it text?")
            if end:
                data, rest = rest + read[:end], read[end:]
                if not data.isspace():
                    yield Block(path, offset, data)
                offset += len(data)
            else:
                rest += read
    if rest and not rest.isspace():
        yield Block(path, offset, rest)
