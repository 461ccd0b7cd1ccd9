"""The ablation of recipe `ladder`: the recipe whole, and with one part after another switched off, on the proof bench's tasks.

    python -m benchmarks.ablation                                   everything that the cache lacks, then the table
    python -m benchmarks.ablation --tasks wine_mlp,digits_cnn --variants no_ladder,no_annealing --studies 1
    python -m benchmarks.ablation --cached                          the table alone, from what is known; trains nothing

Stopped, it goes on where it was; each job has a process of its own. A study is a row of CACHE/ablation/TASK.jsonl, filed under the variant's code and the
package's; the choice is trained again on the proof bench's fresh seeds, in the proof bench's rows, so that equal choices are trained once.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.ablation.summary import summarize
from benchmarks.ablation.table import table
from benchmarks.ablation.variants import VARIANTS, VARIANTS_FOLDER, find_variants
from benchmarks.machine import merged
from benchmarks.proof.cache import Rows
from benchmarks.proof.collect import task_rows
from benchmarks.proof.command import RESULTS, add_options, exit_code, hear_interrupts, names_of, parse, work
from benchmarks.proof.jobs import Job, oracle_jobs, reference_jobs, retraining_jobs, study_jobs
from benchmarks.proof.methods import Method
from benchmarks.proof.store import Store
from benchmarks.proof.tasks import BenchTask, find_tasks
from tunesmith.errors import InputError

N_STUDIES = 3


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the table; 0, or 2 where a task or an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    try:
        tasks = find_tasks(names_of(options.tasks) or None, folder=options.task_folder)
        methods = find_variants(names_of(options.variants), folder=options.method_folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    stores, machines = [_store(options.cache, task) for task in tasks], Rows(options.cache / "ablation" / "machines.jsonl")
    failures, is_interrupted = work(stores, lambda usable: _stages(usable, methods, n_studies=options.studies), machines=machines, options=options)
    text = table(
        summarize([task_rows(store) for store in stores], methods, n_studies=options.studies),
        command=_command(options),
        n_studies=options.studies,
        machines=merged([machine for machine, _ in machines.all()]),
        cpu_hours=sum(value.get("seconds", 0.0) for store in stores for _, value in store.studies.all()) / 3600,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "ablation.md").write_text(text)
    print(text)
    return exit_code(failures, is_interrupted=is_interrupted)


def _store(cache: Path, task: BenchTask) -> Store:
    """The proof bench's rows of a task, but for the studies: those of the variants have a file of their own."""
    store = Store(cache, task)
    store.studies = Rows(cache / "ablation" / f"{task.name}.jsonl")
    return store


def _stages(usable: list[Store], methods: list[Method], *, n_studies: int) -> list[Callable[[], list[Job]]]:
    """What the scale needs, and the first study of every variant before the second of any."""
    stages: list[Callable[[], list[Job]]] = [partial(make, usable) for make in (reference_jobs, oracle_jobs)]
    return stages + [partial(make, usable, methods, number=number) for number in range(n_studies) for make in (study_jobs, retraining_jobs)]


def _command(options: argparse.Namespace) -> str:
    """What makes this table from the same rows."""
    chosen = f" --tasks {','.join(names_of(options.tasks))}" * bool(options.tasks)
    chosen += f" --variants {','.join(names_of(options.variants))}" * (options.variants != ",".join(VARIANTS))
    return f"python -m benchmarks.ablation{chosen}" + f" --studies {options.studies}" * (options.studies != N_STUDIES) + " --cached"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="", metavar="NAME,…", help="files of benchmarks/tasks (default: all)")
    parser.add_argument("--variants", default=",".join(VARIANTS), metavar="NAME,…", help=f"beside the whole recipe (default: {','.join(VARIANTS)})")
    parser.add_argument("--studies", type=int, default=N_STUDIES, help=f"studies of each variant on each task (default {N_STUDIES})")
    out = Path("runs") / "ablation"
    add_options(parser, cache=RESULTS, out=out, out_text=out.as_posix(), method_folder=VARIANTS_FOLDER)
    return parse(parser, arguments, count="studies")


if __name__ == "__main__":
    hear_interrupts()
    sys.exit(main())
