"""The proof bench: what a plan costs and what it is worth, beside every peer.

    python -m benchmarks.proof                                  everything that the cache lacks, then the tables
    python -m benchmarks.proof --quick                          four tasks, four methods
    python -m benchmarks.proof --tasks wine_mlp --methods report@1,optuna_tpe@60 --studies 5
    python -m benchmarks.proof --cached                         the tables alone, from what is known; trains nothing

Stopped, it goes on where it was. Two of them may work on one cache. Every figure comes out of the rows in --cache.
"""

import argparse
import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.machine import describe_machine, merged
from benchmarks.proof.cache import Rows, without_infinities
from benchmarks.proof.collect import task_rows
from benchmarks.proof.jobs import load_jobs, oracle_jobs, reference_jobs, retraining_jobs, run_jobs, study_jobs
from benchmarks.proof.methods import METHODS_FOLDER, Method, find_methods
from benchmarks.proof.page import page
from benchmarks.proof.store import Store
from benchmarks.proof.study import RETRAINING_SEEDS
from benchmarks.proof.summary import summarize
from benchmarks.proof.table import table
from benchmarks.proof.tasks import TASKS_FOLDER, BenchTask, find_tasks
from tunesmith.errors import InputError

RESULTS = Path(__file__).parents[1] / "results"
QUICK_TASKS = ("digits_cnn", "wine_mlp", "california_mlp", "mnist_noisy_labels")
QUICK_METHODS = ("report@1", "untuned", "torch_lr_finder", "optuna_tpe@5")
FULL_METHODS = (
    "report@0.25", "report@0.5", "report@1", "report@2", "untuned", "torch_lr_finder", "lightning_lr_find", "fastai_lr_find",
    "optuna_tpe@60", "one_epoch_best@5", "prodigy", "schedule_free_adamw",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the tables; 0, or 2 where a task or an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        tasks = find_tasks(_names(options.tasks) or (list(QUICK_TASKS) if options.quick else None), folder=options.task_folder)
        methods = find_methods(_names(options.methods) or list(QUICK_METHODS if options.quick else FULL_METHODS), folder=options.method_folder)
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
    failures: list[str] = []
    is_interrupted = False
    if not options.cached:
        try:
            failures = _work(stores, methods, machines=machines, options=options)
        except KeyboardInterrupt:
            is_interrupted = True
            print("Interrupted; the same command goes on from here.", file=sys.stderr)
    made = {"command": _command(options), "studies": options.studies, "fresh_seeds": list(RETRAINING_SEEDS)}
    made |= {"machines": merged([machine for machine, _ in machines.all()])}
    document = without_infinities(summarize([task_rows(store) for store in stores], methods, n_studies=options.studies, made=made))
    (out / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    text = table(document)
    (out / f"{name}.md").write_text(text)
    (out / f"{name}.html").write_text(page(document))
    print(text)
    print(f"Written: {out / name}.json, .md and .html", file=sys.stderr)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 130 if is_interrupted else 2 if failures else 0


def _work(stores: list[Store], methods: list[Method], *, machines: Rows, options: argparse.Namespace) -> list[str]:
    """Everything that is missing, stage by stage; one line for each task that could not be loaded or trained."""
    deadline = time.monotonic() + 60 * options.minutes
    failures = run_jobs(load_jobs(stores), workers=options.workers, deadline=deadline)
    usable = [store for store in stores if store.known_facts() is not None]
    stages = [reference_jobs, oracle_jobs]
    for number in range(options.studies):  # the first study of everything before the second of anything
        stages += [partial(make, methods=methods, number=number) for make in (study_jobs, retraining_jobs)]
    for make_jobs in stages:
        jobs = make_jobs(usable)
        if jobs:
            machine = describe_machine()
            machines.once(machine, dict)
            failures += run_jobs(jobs, workers=options.workers, deadline=deadline)
    return failures


def _command(options: argparse.Namespace) -> str:
    """What makes these tables from the same rows."""
    chosen = " --quick" if options.quick else ""
    chosen += "".join(f" --{name} {','.join(_names(getattr(options, name)))}" for name in ("tasks", "methods") if getattr(options, name))
    return f"python -m benchmarks.proof{chosen} --studies {options.studies} --cached"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="", metavar="NAME,…", help="files of benchmarks/tasks (default: all)")
    parser.add_argument("--methods", default="", metavar="NAME[@BUDGET],…", help=f"files of benchmarks/methods (default: {','.join(FULL_METHODS)})")
    parser.add_argument("--studies", type=int, default=3, help="studies of each method on each task (default 3)")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK_TASKS)}; {', '.join(QUICK_METHODS)}")
    parser.add_argument("--cached", action="store_true", help="train nothing; tables from what is known")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time, one thread each (default 2)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing new after this long (default 60)")
    parser.add_argument("--cache", type=Path, default=RESULTS, metavar="FOLDER", help="where the rows lie (default: benchmarks/results)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the tables go (default: runs/bench, with --quick runs/bench-quick)")
    parser.add_argument("--task-folder", type=Path, default=TASKS_FOLDER, metavar="FOLDER", help="where the tasks' files lie (default: benchmarks/tasks)")
    parser.add_argument(
        "--method-folder", type=Path, default=METHODS_FOLDER, metavar="FOLDER", help="where the methods' files lie (default: benchmarks/methods)"
    )
    options = parser.parse_args(arguments)
    options.cache = options.cache.resolve()  # a method may change the working folder
    for name, least in (("studies", 1), ("workers", 1), ("minutes", 0)):
        if not getattr(options, name) >= least:
            parser.error(f"--{name} must be ≥ {least}, got {getattr(options, name)}.")
    return options


def _names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]


if __name__ == "__main__":
    for signal_number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in its background with Ctrl-C ignored
        signal.signal(signal_number, signal.default_int_handler)
    sys.exit(main())
