"""The bench of finders: 1cycle at the suggested learning rate beside the best of twelve that were tried in full.

    python -m benchmarks.finders                                      everything that the cache lacks, then the table
    python -m benchmarks.finders --tasks digits_finetune --seeds 1
    python -m benchmarks.finders --methods lr_range,in_script_linear  suggestions again after a change of the package; the grid stays
    python -m benchmarks.finders --cached                             the table alone; trains nothing

Stopped, it goes on where it was. Every figure comes out of the rows in --cache.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.finders.grid import best_rate, grid, retrainings, training_jobs
from benchmarks.finders.summary import is_rate, summarize
from benchmarks.finders.table import table
from benchmarks.machine import describe_machine, merged
from benchmarks.proof.cache import Rows, without_infinities
from benchmarks.proof.jobs import Job, load_jobs, run_jobs, study_jobs
from benchmarks.proof.methods import METHODS_FOLDER, Method, find_methods
from benchmarks.proof.store import Store
from benchmarks.proof.study import study_key
from benchmarks.proof.tasks import TASKS_FOLDER, find_tasks
from tunesmith.errors import InputError

RESULTS = Path(__file__).parents[1] / "results"
OUR_METHODS_FOLDER = Path(__file__).parent / "methods"
TASKS = ("mnist_lenet", "cifar_resnet", "shakespeare_transformer", "digits_finetune")
METHODS = ("lr_range", "in_script_exponential", "in_script_linear", "torch_lr_finder", "fastai_lr_find", "lightning_lr_find", "untuned")
N_SEEDS = 5


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the tables; 0, or 2 where a task or an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        tasks = find_tasks(_names(options.tasks), folder=options.task_folder)
        methods = [method for name in _names(options.methods) for method in find_methods([name], folder=_folder_of(name, options.method_folder))]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    stores, machines = [Store(options.cache, task) for task in tasks], Rows(options.cache / "machines.jsonl")
    failures: list[str] = []
    is_interrupted = False
    if not options.cached:
        try:
            failures = _work(stores, methods, machines=machines, options=options)
        except KeyboardInterrupt:
            is_interrupted = True
            print("Interrupted; the same command goes on from here.", file=sys.stderr)
    made = {"command": _command(options), "machines": merged([machine for machine, _ in machines.all()])}
    document = without_infinities(summarize(stores, methods, n_seeds=options.seeds, made=made))
    text = table(document)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "finders.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.out / "finders.md").write_text(text)
    print(text)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 130 if is_interrupted else 2 if failures else 0


def _work(stores: list[Store], methods: list[Method], *, machines: Rows, options: argparse.Namespace) -> list[str]:
    """Everything that is missing, stage by stage; one line for each task that could not be loaded or trained."""
    deadline = time.monotonic() + 60 * options.minutes
    failures = run_jobs(load_jobs(stores), workers=options.workers, deadline=deadline)
    usable, seeds = [store for store in stores if store.known_facts() is not None], range(options.seeds)
    stages: list[Callable[[], list[Job]]] = [
        lambda: [job for store in usable for seed in seeds for job in training_jobs(store, grid(store, seed), title=f"twelve learning rates, seed {seed}")],
        lambda: [job for store in usable for lr in sorted({best_rate(store, seed) for seed in seeds} - {None}) for job in _retraining_jobs(store, lr)],
        lambda: [job for seed in seeds for job in study_jobs(usable, methods, number=seed)],
        lambda: [job for store in usable for lr in _suggested(store, methods, seeds) for job in _retraining_jobs(store, lr)],
    ]
    for make_jobs in stages:
        jobs = make_jobs()
        if jobs:
            machines.once(describe_machine(), dict)
            failures += run_jobs(jobs, workers=options.workers, deadline=deadline)
    return failures


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
    parser.add_argument("--cached", action="store_true", help="train nothing; the table from what is known")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time, one thread each (default 2)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing new after this long (default 60)")
    parser.add_argument("--cache", type=Path, default=RESULTS / "finders", metavar="FOLDER", help="where the rows lie (default: benchmarks/results/finders)")
    parser.add_argument("--out", type=Path, default=Path("runs") / "finders", metavar="FOLDER", help="where the table goes (default: runs/finders)")
    parser.add_argument("--task-folder", type=Path, default=TASKS_FOLDER, metavar="FOLDER", help="where the tasks' files lie")
    parser.add_argument("--method-folder", type=Path, default=OUR_METHODS_FOLDER, metavar="FOLDER", help="where the files of our finders lie")
    options = parser.parse_args(arguments)
    options.cache = options.cache.resolve()  # a method may change the working folder
    for name, least in (("seeds", 1), ("workers", 1), ("minutes", 0)):
        if not getattr(options, name) >= least:
            parser.error(f"--{name} must be ≥ {least}, got {getattr(options, name)}.")
    return options


def _names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]


if __name__ == "__main__":
    for signal_number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in its background with Ctrl-C ignored
        signal.signal(signal_number, signal.default_int_handler)
    sys.exit(main())
