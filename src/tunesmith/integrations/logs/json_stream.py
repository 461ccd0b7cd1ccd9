"""JSON read piece by piece: a million rows, parsed at once, would take three times the memory of their file."""

import json
import re
from collections.abc import Iterator
from typing import TextIO

_BLOCK_LETTERS = 1 << 16
"""Some hundred rows: few enough to stay in the processor's caches."""
_DECODER = json.JSONDecoder()
_WHITE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"\s*,\s*\{?")
_REST_OF_NUMBER = 2
"""Letters that may stand behind a number that a block's end cuts off: "1" is read of "1e-", which goes on as "1e-5"."""


class JsonReader:
    """Takes values from the front of a JSON text, and drops what was taken.

    Every method raises ValueError where the text is no JSON, or ends too early; RecursionError where it is nested too deeply.

    Example:
        >>> import io
        >>> reader = JsonReader(io.StringIO('{"rows": [{"loss": 2.5}, {"loss": 1.5}], "steps": 2}'))
        >>> {key: list(reader.items()) if reader.peek() == "[" else reader.value() for key in reader.fields()}
        {'rows': [[{'loss': 2.5}], [{'loss': 1.5}]], 'steps': 2}
    """

    def __init__(self, file: TextIO, *, block_letters: int = _BLOCK_LETTERS) -> None:
        self._file = file
        self._block_letters = block_letters
        self._text = ""
        self._at = 0
        self._n_dropped = 0

    def peek(self) -> str:
        """The next character that is not white; "" at the end."""
        while True:
            white = _WHITE.match(self._text, self._at)
            self._at = white.end() if white else self._at
            if self._at < len(self._text) or not self._grow():
                return self._text[self._at : self._at + 1]

    def value(self) -> object:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._grow():
                    continue
                raise self._error(error.msg, at=error.pos) from error
            if end + _REST_OF_NUMBER < len(self._text) or not self._grow():
                self._at = end
                return found

    def fields(self) -> Iterator[str]:
        """The keys of the object that begins here. The caller takes each one's value before asking for the next key."""
        self._take("{")
        while self.peek() != "}":
            key = self.value()
            if not isinstance(key, str):
                raise self._error("Expecting a name in quotes before this", at=self._at)
            self._take(":")
            yield key
            self._take_comma("}")
        self._take("}")

    def items(self) -> Iterator[list[object]]:
        """The items of the list that begins here, in pieces."""
        self._take("[")
        if self.peek() != "]":
            yield [self.value()]
            between = self._text[self._at - 1 : self._at] + self._comma()
            parting = between if between.startswith("}") and between.endswith("{") else ","
            while self.peek() != "]":
                self._take_comma("]")
                yield self._piece(parting)
        self._take("]")

    def _comma(self) -> str:
        """What parts two items here, up to the next one's brace."""
        self.peek()
        found = _COMMA.match(self._text, self._at)
        return found[0] if found else ""

    def _piece(self, parting: str) -> list[object]:
        """Some items: all up to the last place in the block that may part two, if that is what it does; else the next one.

        What stands before a comma parses as the inside of a list only if that comma parts two items, and is no part of a string or of an item.
        """
        end = self._text.rfind(parting, self._at) + parting.startswith("}")
        if end <= self._at:
            return [self.value()]
        try:
            found: list[object] = json.loads(f"[{self._text[self._at : end]}]")
        except json.JSONDecodeError:
            return self._one_by_one(end)
        self._at = end
        return found

    def _one_by_one(self, end: int) -> list[object]:
        last = self._n_dropped + end
        found = [self.value()]
        while self.peek() == "," and self._n_dropped + self._at < last:
            self._take_comma("]")
            found.append(self.value())
        return found

    def _take_comma(self, end: str) -> None:
        if self.peek() != end:
            self._take(",")
            if self.peek() == end:
                raise self._error("Illegal trailing comma", at=self._at)

    def _take(self, letter: str) -> None:
        if self.peek() != letter:
            raise self._error(f"Expecting {letter!r}", at=self._at)
        self._at += 1

    def _grow(self) -> bool:
        """One more block, or as much again as there is; False at the end of the file."""
        more = self._file.read(max(self._block_letters, len(self._text) - self._at))
        if not more:
            return False
        self._n_dropped += self._at
        self._text = self._text[self._at :] + more
        self._at = 0
        return True

    def _error(self, what: str, *, at: int) -> ValueError:
        return ValueError(f"{what} at character {self._n_dropped + at + 1}")
