"""Prints how well made-up range tests are read, as Markdown, and writes the same as JSON.

    python -m benchmarks.sweeps --out benchmarks/results/sweeps.json > benchmarks/results/sweeps.md

Seeds 0 to 999 are those on which the reading's constants were chosen; the tables are of fresh ones, from 1000 on. Half a minute.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.sweeps.measure import LONG, SHORT, Accuracy, Drift, Sample, accuracy, drifts, false_alarms, read_samples
from benchmarks.sweeps.problems import ENDINGS, KINDS, MOMENTA

FIRST_FRESH = 1000


def groups_of(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Names of groups → their sweeps. All but the last are of sweeps with enough updates near the edge."""
    near = [sample for sample in samples if sample.is_near]
    tests: dict[str, Callable[[Sample], bool]] = {"all": lambda _: True}
    tests |= {kind.replace("_", " "): lambda sample, kind=kind: sample.case.kind == kind for kind in KINDS}
    tests |= {f"record {ending.replace('_', ' ')}": lambda sample, ending=ending: sample.case.ending == ending for ending in ENDINGS}
    for name, is_nesterov in (("heavy ball", False), ("Nesterov", True)):
        for m in MOMENTA:
            tests[f"{name} {m:g}"] = lambda sample, m=m, kind=is_nesterov: sample.case.momentum == m and sample.case.is_nesterov == kind
    groups = {name: [sample for sample in near if holds(sample)] for name, holds in tests.items()}
    return groups | {"fewer than 20 updates near": [sample for sample in samples if not sample.is_near]}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000, help="how many sweeps")
    parser.add_argument("--first", type=int, default=FIRST_FRESH, help="the first seed")
    parser.add_argument("--out", type=Path, help="JSON file")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    found = {name: accuracy(group) for name, group in groups_of(read_samples(seeds)).items()}
    alarms = false_alarms(read_samples(seeds, can_miss=True))
    moved = {name: drifts(seeds, is_exponential=name == "exponential") for name in ("linear", "exponential")}
    print(_text(found, alarms=alarms, moved=moved, seeds=seeds))
    if arguments.out is not None:
        document = {
            "machine": describe_machine(),
            "seeds": [seeds.start, seeds.stop - 1],
            "edge": {name: None if one is None else dataclasses.asdict(one) for name, one in found.items()},
            "false_alarms": list(alarms),
            "drift": {name: [dataclasses.asdict(one) for one in rows] for name, rows in moved.items()},
        }
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _text(found: dict[str, Accuracy | None], *, alarms: tuple[int, int], moved: dict[str, list[Drift]], seeds: range) -> str:
    lines = [
        "# Reading made-up range tests",
        "",
        f"Seeds {seeds.start} to {seeds.stop - 1}. The truth: where SGD of that length at a constant learning rate ends above its start.",
        "All groups but the last: at least 20 updates within a factor of 2 of the truth. `within 20 %` counts a sweep without an answer as a miss.",
        "",
        "| sweeps | n | answered | within 20 % | of those answered | within 1.5x | 90 % interval covers | estimate / truth, 5, 50, 95 % |",
        "|---|---|---|---|---|---|---|---|",
        *(_accuracy_row(name, one) for name, one in found.items() if one is not None),
        "",
        f"False alarms: an edge in {alarms[0]} of {alarms[1]} sweeps that end below theirs.",
    ]
    for spacing, rows in moved.items():
        lines += [
            "",
            f"## The suggestion when {SHORT} steps become {LONG}, {spacing} sweeps",
            "",
            "| rule | n | silent | moves less than 1.5x | long / short, 5, 50, 95 % | suggestion / edge at 100 steps |",
            "|---|---|---|---|---|---|",
            *(_drift_row(row) for row in rows),
        ]
    return "\n".join(lines)


def _accuracy_row(name: str, one: Accuracy) -> str:
    shares = (one.n_answered / one.n, one.in_fifth, one.in_fifth_answered, one.in_half_answered, one.covered)
    return f"| {name} | {one.n} | " + " | ".join(f"{share:.3f}" for share in shares) + f" | {_triple(one.quantiles)} |"


def _drift_row(row: Drift) -> str:
    return f"| {row.rule} | {row.n} | {row.n_silent} | {row.in_half:.3f} | {_triple(row.quantiles)} | {_triple(row.of_edge)} |"


def _triple(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.2g}" for value in values)


if __name__ == "__main__":
    main()
