"""What has been computed, on disk: rows of JSON, each under its key, that several benches may read and append to at once."""

import fcntl
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


class Rows:
    """A file of rows {"key": {…}, "value": {…}}, one a line, appended to and never rewritten.

    Writers take a lock and write a whole line; readers pass over a line that a killed process left unfinished, and say so.
    The first row of a key counts, so what was computed once stays what it was.

    Args:
        path: The file; made at the first write.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = Rows(Path(folder) / "trainings.jsonl")
        ...     rows.put({"seed": 1}, {"loss": 0.5})
        ...     rows.get({"seed": 1}), rows.get({"seed": 2})
        ({'loss': 0.5}, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Row] = {}
        self._keys: dict[str, Row] = {}
        self._read = 0

    def get(self, key: Row) -> Row | None:
        """The value under `key`, also where another process has just written it; None where there is none."""
        name = canonical(key)
        if name not in self._values:
            self._refresh()
        return self._values.get(name)

    def put(self, key: Row, value: Row) -> None:
        """Append a row; it is on the disk when this returns."""
        line = json.dumps({"key": key, "value": without_infinities(value)}, sort_keys=True, allow_nan=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else "\n" + line  # a writer was killed in the middle of its line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def once(self, key: Row, make: Callable[[], Row]) -> Row:
        """The value under `key`, made where there is none."""
        if self.get(key) is None:
            self.put(key, make())
        known = self.get(key)
        if known is None:
            raise RuntimeError(f"{self.path} must hold the row that was just written under {key}, and does not. Look at the disk.")
        return known

    def all(self) -> list[tuple[Row, Row]]:
        """Every (key, value), in the order of writing."""
        self._refresh()
        return [(self._keys[name], value) for name, value in self._values.items()]

    def _refresh(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._read += len(line)
                try:
                    row = json.loads(line)
                    name, key, value = canonical(row["key"]), row["key"], row["value"]
                except (ValueError, KeyError, TypeError):
                    if line.strip():
                        print(f"{self.path}: passed over a line that is no row (a writer was killed): {line[:60]!r}…", file=sys.stderr)
                    continue
                self._keys.setdefault(name, key)
                self._values.setdefault(name, value)


def canonical(key: Row) -> str:
    """The same text for the same key.

    Example:
        >>> canonical({"b": 1, "a": 0.1}) == canonical({"a": 0.1, "b": 1})
        True
    """
    return json.dumps(key, sort_keys=True)


def without_infinities(row: Row) -> Row:
    """The row with null in the place of NaN and infinities, for which JSON has no word.

    Example:
        >>> without_infinities({"losses": (0.5, math.inf)})
        {'losses': [0.5, None]}
    """
    return {str(name): _without_infinities(part) for name, part in row.items()}


def _without_infinities(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return without_infinities(value)
    if isinstance(value, (list, tuple)):
        return [_without_infinities(part) for part in value]
    return value
