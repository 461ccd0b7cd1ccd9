"""The bench of finders: 1cycle at the suggested learning rate beside the best of twelve that were tried in full.

    python -m benchmarks.finders                                      everything that the cache lacks, then the table
    python -m benchmarks.finders --tasks digits_finetune --seeds 1
    python -m benchmarks.finders --methods lr_range,in_script_linear  suggestions again after a change of the package; the grid stays
    python -m benchmarks.finders --cached                             the table alone; trains nothing

Stopped, it goes on where it was. Every figure comes out of the rows in --cache.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.finders.choices import METHODS, N_SEEDS, OUR_METHODS_FOLDER, TASKS
from benchmarks.finders.grid import best_rate, grid, retrainings, training_jobs
from benchmarks.finders.summary import is_rate, summarize
from benchmarks.finders.table import table
from benchmarks.machine import merged
from benchmarks.proof.cache import Rows, without_infinities
from benchmarks.proof.command import RESULTS, add_options, exit_code, hear_interrupts, names_of, parse, work
from benchmarks.proof.jobs import Job, study_jobs
from benchmarks.proof.methods import METHODS_FOLDER, Method, find_methods
from benchmarks.proof.store import Store
from benchmarks.proof.study import study_key
from benchmarks.proof.tasks import find_tasks
from tunesmith.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the tables; 0, or 2 where a task or an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        tasks = find_tasks(names_of(options.tasks), folder=options.task_folder)
        methods = [method for name in names_of(options.methods) for method in find_methods([name], folder=_folder_of(name, options.method_folder))]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    stores, machines, seeds = [Store(options.cache, task) for task in tasks], Rows(options.cache / "machines.jsonl"), range(options.seeds)
    failures, is_interrupted = work(stores, lambda usable: _stages(usable, methods, seeds), machines=machines, options=options)
    made = {"command": _command(options), "machines": merged([machine for machine, _ in machines.all()])}
    document = without_infinities(summarize(stores, methods, n_seeds=options.seeds, made=made))
    text = table(document)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "finders.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.out / "finders.md").write_text(text)
    print(text)
    return exit_code(failures, is_interrupted=is_interrupted)


def _stages(usable: list[Store], methods: list[Method], seeds: range) -> list[Callable[[], list[Job]]]:
    """The grid, the best of each, the suggestions, and what they are worth."""
    return [
        lambda: [job for store in usable for seed in seeds for job in training_jobs(store, grid(store, seed), title=f"twelve learning rates, seed {seed}")],
        lambda: [job for store in usable for lr in sorted({best_rate(store, seed) for seed in seeds} - {None}) for job in _retraining_jobs(store, lr)],
        lambda: [job for seed in seeds for job in study_jobs(usable, methods, number=seed)],
        lambda: [job for store in usable for lr in _suggested(store, methods, seeds) for job in _retraining_jobs(store, lr)],
    ]


def _retraining_jobs(store: Store, lr: float) -> list[Job]:
    return training_jobs(store, retrainings(lr), title=f"learning rate {lr:.3g} on the fresh seeds")


def _suggested(store: Store, methods: Sequence[Method], seeds: range) -> list[float]:
    """Every learning rate that today's code suggested, each once."""
    rows = [store.studies.get(study_key(store, method, seed)) for method in methods for seed in seeds]
    return sorted({lr for row in rows if row is not None for lr in [row["choices"][-1]["settings"].get("lr")] if is_rate(lr)})


def _folder_of(name: str, folder: Path) -> Path:
    """Ours lie in a folder of their own; the peers are those of the proof bench."""
    return folder if (folder / f"{name}.py").exists() else METHODS_FOLDER


def _command(options: argparse.Namespace) -> str:
    """What makes this table from the same rows."""
    chosen = f" --tasks {options.tasks}" * (options.tasks != ",".join(TASKS)) + f" --methods {options.methods}" * (options.methods != ",".join(METHODS))
    return f"python -m benchmarks.finders{chosen}" + f" --seeds {options.seeds}" * (options.seeds != N_SEEDS) + " --cached"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finders", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(TASKS), metavar="NAME,…", help=f"files of benchmarks/tasks (default: {','.join(TASKS)})")
    parser.add_argument("--methods", default=",".join(METHODS), metavar="NAME,…", help=f"the finders (default: {','.join(METHODS)})")
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help=f"seeds of each task (default {N_SEEDS})")
    out = Path("runs") / "finders"
    add_options(parser, cache=RESULTS / "finders", out=out, out_text=out.as_posix(), method_folder=OUR_METHODS_FOLDER)
    return parse(parser, arguments, count="seeds")


if __name__ == "__main__":
    hear_interrupts()
    sys.exit(main())
