"""Which batch size reaches a good loss soonest, which one `tune` chooses, and whether its plan is better for it at equal modelled seconds.

    python -m benchmarks.batch --steps times       seconds a step of each task, measured once
    python -m benchmarks.batch --steps truth       every batch size tuned and retrained at seven lengths: half an hour of one core
    python -m benchmarks.batch --steps choice      `tune` with the batch size free, and fixed at 64
    python -m benchmarks.batch --steps equal       the two at equal modelled seconds
    python -m benchmarks.batch --cached            the tables alone; trains nothing, reads no data

Without --steps all four, one after another. Stopped, the same command goes on: what is done is a row in --rows. `TUNESMITH_DATA` names the data.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.batch.collect import task_summary
from benchmarks.batch.rows import TaskRows
from benchmarks.batch.table import table
from benchmarks.batch.work import STEPS, do
from benchmarks.machine import describe_machine, merged
from benchmarks.proof.cache import Rows
from benchmarks.proof.command import RESULTS, hear_interrupts, names_of
from benchmarks.proof.digest import package_digest
from benchmarks.proof.tasks import TASKS_FOLDER, find_tasks
from tunesmith.errors import InputError

N_SEEDS = 5
"""Studies with the batch size free, of each task."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the steps, write the tables; 0, 2 where an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    machines = Rows(options.rows / "machines.jsonl")
    try:
        package = package_digest()
        every = [TaskRows(options.rows, task, package=package) for task in find_tasks(names_of(options.tasks) or None, folder=options.task_folder)]
        if not options.cached:
            machines.once(describe_machine(), dict)
            deadline = time.monotonic() + 60 * options.minutes
            for step in options.steps:
                do(step, every, n_seeds=options.seeds, deadline=deadline)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on.", file=sys.stderr)
        return 130
    text = table([task_summary(rows, n_seeds=options.seeds) for rows in every], command=_command(options), machines=merged([key for key, _ in machines.all()]))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "batch.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _command(options: argparse.Namespace) -> str:
    """What makes these tables from the same rows."""
    chosen = f" --tasks {','.join(names_of(options.tasks))}" * bool(options.tasks) + f" --seeds {options.seeds}" * (options.seeds != N_SEEDS)
    if options.task_folder != TASKS_FOLDER:
        chosen += "".join(
            f" {name} {_shown(path)}" for name, path in (("--task-folder", options.task_folder), ("--rows", options.rows), ("--out", options.out))
        )
    return f"python -m benchmarks.batch{chosen} --cached"


def _shown(path: Path) -> str:
    root = RESULTS.parents[1]
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default=",".join(STEPS), help=f"what to make (default: {','.join(STEPS)})")
    parser.add_argument("--cached", action="store_true", help="train nothing; the tables from what is known")
    parser.add_argument("--tasks", default="", metavar="NAME,…", help="files of --task-folder (default: all)")
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help=f"studies with the batch size free, of each task (default {N_SEEDS})")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing new after this long (default 60)")
    parser.add_argument("--task-folder", type=Path, default=TASKS_FOLDER, metavar="FOLDER", help="where the tasks' files lie (default: benchmarks/tasks)")
    parser.add_argument("--rows", type=Path, default=RESULTS / "batch", metavar="FOLDER", help="where the rows lie (default: benchmarks/results/batch)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where the tables go (default: benchmarks/results)")
    options = parser.parse_args(arguments)
    options.steps = names_of(options.steps)
    unknown = [step for step in options.steps if step not in STEPS]
    if unknown or options.seeds < 1 or not options.minutes >= 0:
        given = f"{','.join(options.steps)}, {options.seeds} and {options.minutes:g}"
        parser.error(f"--steps must be among {', '.join(STEPS)}, --seeds ≥ 1 and --minutes ≥ 0, got {given}.")
    return options


if __name__ == "__main__":
    hear_interrupts()
    sys.exit(main())
