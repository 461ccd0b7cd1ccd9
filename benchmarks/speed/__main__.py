"""What tunesmith costs: a Markdown table on stdout, and JSON with every sample.

    OMP_NUM_THREADS=1 python -m benchmarks.speed --out benchmarks/results/speed.json > benchmarks/results/speed.md
    OMP_NUM_THREADS=1 python -m benchmarks.speed --quick --only loop startup

Contenders take turns in one run; given are medians and quartiles of the turns, or of the ratios within each turn. Nothing is asserted. Peers that are not
installed are named (`pip install torch-lr-finder lightning fastai`). --quick takes under two minutes, all of it under fifteen.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import torch

from benchmarks.machine import describe_machine
from benchmarks.speed import in_script, in_script_valid, logs, loop, range_test, report_time, short_runs, startup, store
from benchmarks.speed.table import head, section

_IN_ORDER = (loop, short_runs, startup, store, report_time, logs, in_script, in_script_valid, range_test)
"""Those with peers come last: what these change in torch when they are imported touches nothing else."""
MEASUREMENTS: dict[str, ModuleType] = {module.__name__.rpartition(".")[2]: module for module in _IN_ORDER}
"""Name → module with `measure(sizes)`, `FULL` and `QUICK`."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few turns: to see that all works, not to quote")
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="where the JSON goes")
    args = parser.parse_args()
    torch.set_num_threads(1)
    load = " ".join(f"{one:.2f}" for one in os.getloadavg())
    facts = describe_machine() | {"load average at start": load, "length": "quick" if args.quick else "full"}
    print(head(facts), flush=True)
    found = {}
    for name, module in MEASUREMENTS.items():
        if args.only and name not in args.only:
            continue
        started = time.perf_counter()
        rows = module.measure(module.QUICK if args.quick else module.FULL)
        print(section(name, module.__doc__ or "", rows), flush=True)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        found[name] = [row.to_dict() for row in rows]
        if args.out:
            args.out.write_text(json.dumps({"machine": facts, "measurements": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
