"""Are two caches the same? Rows with the same key must hold the same bits, CPU seconds apart.

    python -m benchmarks.proof --quick --cache runs/empty --out runs/empty
    python -m benchmarks.proof.compare runs/empty benchmarks/results

Prints how many rows of the first are equal, different and missing in the second; exit code 1 where any is different.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.proof.cache import Row, Rows, canonical


def compare(first: Path, second: Path) -> tuple[int, list[str], int]:
    """(equal rows, one line for each different one, rows that the second lacks)."""
    n_equal, different, n_missing = 0, [], 0
    for path in sorted(first.glob("*/*.jsonl")):
        others = Rows(second / path.parent.name / path.name)
        for key, value in Rows(path).all():
            other = others.get(key)
            if other is None:
                n_missing += 1
            elif _bits(value) == _bits(other):
                n_equal += 1
            else:
                names = [name for name, part in _bits(value).items() if part != other.get(name)]
                different.append(f"{path.parent.name}/{path.name}: {', '.join(names)} of {canonical(key):.160}")
    return n_equal, different, n_missing


def _bits(row: Row) -> Row:
    return {name: part for name, part in row.items() if name != "seconds"}


def main(arguments: list[str] | None = None) -> int:
    """Print the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args(arguments)
    n_equal, different, n_missing = compare(options.first, options.second)
    for line in different:
        print(line)
    print(f"{n_equal} rows equal, {len(different)} different, {n_missing} of the first missing in the second")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
