"""Makes the runs that are not on disk yet, reads all of them, and writes how well, as Markdown and JSON.

    python -m benchmarks.clues --out benchmarks/results            # a few minutes with nothing on disk
    python -m benchmarks.clues --cached --out benchmarks/results   # scores only

A run is filed under its kind, bed and seed: whoever changes how a kind is made deletes its rows. What is accepted is read from the code, not from the rows.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.clues.kind import HALVES, Kind
from benchmarks.clues.kinds import KINDS
from benchmarks.clues.rows import to_row
from benchmarks.clues.score import Answer, Reader, answer, document, read_today, table
from benchmarks.proof.cache import Row, Rows
from tunesmith.engine import run_spec

SEEDS = range(4)
ROWS = Path(__file__).parents[1] / "results" / "clues"


def key_of(kind: Kind, *, bed: str, seed: int) -> Row:
    """Under what a run is filed."""
    return {"kind": kind.name, "bed": bed, "seed": seed}


def make_runs(folder: Path, *, kinds: dict[str, Kind], seeds: range) -> int:
    """Train what `folder` lacks, one file of rows a half; how many that were."""
    made = 0
    for kind in kinds.values():
        rows = Rows(folder / f"{kind.half}.jsonl")
        for bed in kind.beds:
            for seed in seeds:
                key = key_of(kind, bed=bed.name, seed=seed)
                if rows.get(key) is None:
                    order = kind.make(bed, seed)
                    rows.put(key, to_row(kind, order=order, curve=run_spec(order.task, order.spec).curve))
                    made += 1
    return made


def read_rows(folder: Path, *, kinds: dict[str, Kind], read: Reader) -> list[Answer]:
    """Every stored run of a known kind, read; what is accepted is what the kind says now."""
    stored = [pair for half in HALVES for pair in Rows(folder / f"{half}.jsonl").all()]
    order = {name: index for index, name in enumerate(kinds)}
    known = [(key, row | {"accepted": kinds[key["kind"]].accepted, "knobs": kinds[key["kind"]].knobs}) for key, row in stored if key["kind"] in kinds]
    return [answer(key, row, read=read) for key, row in sorted(known, key=lambda pair: (order[pair[0]["kind"]], pair[0]["bed"], pair[0]["seed"]))]


def main(arguments: list[str] | None = None) -> None:
    """Make, read, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cached", action="store_true", help="train nothing")
    parser.add_argument("--kinds", default="", help="names, separated by spaces; all where left out")
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-clues"), help="folder of clues.md and clues.json")
    given = parser.parse_args(arguments)
    kinds = {name: KINDS[name] for name in given.kinds.split()} if given.kinds else KINDS
    if not given.cached:
        started = time.perf_counter()
        made = make_runs(given.rows, kinds=kinds, seeds=SEEDS)
        print(f"{made} runs in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    answers = read_rows(given.rows, kinds=kinds, read=read_today)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "clues.md").write_text(table(answers), encoding="utf-8")
    (given.out / "clues.json").write_text(json.dumps(document(answers), indent=1) + "\n", encoding="utf-8")
    print(table(answers))


if __name__ == "__main__":
    main()
