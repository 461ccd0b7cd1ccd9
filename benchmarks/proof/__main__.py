"""The proof bench: what a plan costs and what it is worth, beside every peer.

    python -m benchmarks.proof                                  everything that the cache lacks, then the tables
    python -m benchmarks.proof --quick                          four tasks, four methods
    python -m benchmarks.proof --tasks wine_mlp --methods report@1,optuna_tpe@60 --studies 5
    python -m benchmarks.proof --cached                         the tables alone, from what is known; trains nothing

Stopped, it goes on where it was. Two of them may work on one cache. Every figure comes out of the rows in --cache.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.machine import merged
from benchmarks.proof.cache import Rows, without_infinities
from benchmarks.proof.collect import task_rows
from benchmarks.proof.command import RESULTS, add_options, exit_code, hear_interrupts, names_of, parse, work
from benchmarks.proof.jobs import Job, oracle_jobs, reference_jobs, retraining_jobs, study_jobs
from benchmarks.proof.methods import METHODS_FOLDER, Method, find_methods
from benchmarks.proof.page import page
from benchmarks.proof.store import Store
from benchmarks.proof.study import RETRAINING_SEEDS
from benchmarks.proof.summary import summarize
from benchmarks.proof.table import table
from benchmarks.proof.tasks import BenchTask, find_tasks
from tunesmith.errors import InputError

QUICK_TASKS = ("digits_cnn", "wine_mlp", "california_mlp", "mnist_noisy_labels")
QUICK_METHODS = ("ladder@1", "report@1", "untuned", "torch_lr_finder", "optuna_tpe@5")
FULL_METHODS = (
    "ladder@0.25", "ladder@1", "ladder@4", "report@1", "untuned", "torch_lr_finder", "lightning_lr_find", "fastai_lr_find",
    "optuna_tpe@60", "one_epoch_best@5", "prodigy", "schedule_free_adamw",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the tables; 0, or 2 where a task or an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        tasks = find_tasks(names_of(options.tasks) or (list(QUICK_TASKS) if options.quick else None), folder=options.task_folder)
        methods = find_methods(names_of(options.methods) or list(QUICK_METHODS if options.quick else FULL_METHODS), folder=options.method_folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    name = "bench-quick" if options.quick else "bench"
    out = options.out or Path("runs") / name
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _measure(tasks, methods, options=options, out=out, name=name)
    except OSError as error:
        print(f"The bench must be able to write to {options.cache} and {out}, and cannot: {error}. No row that was written is lost.", file=sys.stderr)
        return 2


def _measure(tasks: list[BenchTask], methods: list[Method], *, options: argparse.Namespace, out: Path, name: str) -> int:
    stores = [Store(options.cache, task) for task in tasks]
    machines = Rows(options.cache / "machines.jsonl")
    failures, is_interrupted = work(stores, lambda usable: _stages(usable, methods, n_studies=options.studies), machines=machines, options=options)
    made = {"command": _command(options), "studies": options.studies, "fresh_seeds": list(RETRAINING_SEEDS)}
    made |= {"machines": merged([machine for machine, _ in machines.all()])}
    document = without_infinities(summarize([task_rows(store) for store in stores], methods, n_studies=options.studies, made=made))
    (out / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    text = table(document)
    (out / f"{name}.md").write_text(text)
    (out / f"{name}.html").write_text(page(document))
    print(text)
    print(f"Written: {out / name}.json, .md and .html", file=sys.stderr)
    return exit_code(failures, is_interrupted=is_interrupted)


def _stages(usable: list[Store], methods: list[Method], *, n_studies: int) -> list[Callable[[], list[Job]]]:
    """The reference, the oracle, and the first study of everything before the second of anything."""
    stages: list[Callable[[], list[Job]]] = [partial(make, usable) for make in (reference_jobs, oracle_jobs)]
    return stages + [partial(make, usable, methods=methods, number=number) for number in range(n_studies) for make in (study_jobs, retraining_jobs)]


def _command(options: argparse.Namespace) -> str:
    """What makes these tables from the same rows."""
    chosen = " --quick" if options.quick else ""
    chosen += "".join(f" --{name} {','.join(names_of(getattr(options, name)))}" for name in ("tasks", "methods") if getattr(options, name))
    return f"python -m benchmarks.proof{chosen} --studies {options.studies} --cached"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="", metavar="NAME,…", help="files of benchmarks/tasks (default: all)")
    parser.add_argument("--methods", default="", metavar="NAME[@BUDGET],…", help=f"files of benchmarks/methods (default: {','.join(FULL_METHODS)})")
    parser.add_argument("--studies", type=int, default=3, help="studies of each method on each task (default 3)")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK_TASKS)}; {', '.join(QUICK_METHODS)}")
    add_options(parser, cache=RESULTS, out=None, out_text="runs/bench, with --quick runs/bench-quick", method_folder=METHODS_FOLDER)
    return parse(parser, arguments, count="studies")


if __name__ == "__main__":
    hear_interrupts()
    sys.exit(main())
