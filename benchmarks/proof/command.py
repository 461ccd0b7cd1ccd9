"""What the commands of a bench share: their options, how their work goes on stage by stage, and that Ctrl-C reaches them."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.proof.cache import Rows
from benchmarks.proof.jobs import Job, load_jobs, run_jobs
from benchmarks.proof.store import Store
from benchmarks.proof.tasks import TASKS_FOLDER

RESULTS = Path(__file__).parents[1] / "results"


def add_options(parser: argparse.ArgumentParser, *, cache: Path, out: Path | None, out_text: str, method_folder: Path) -> None:
    """The options that say how much is trained, where rows and tables lie, and where tasks and methods are found."""
    parser.add_argument("--cached", action="store_true", help="train nothing; the tables from what is known")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time, one thread each (default 2)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing new after this long (default 60)")
    parser.add_argument("--cache", type=Path, default=cache, metavar="FOLDER", help=f"where the rows lie (default: {_shown(cache)})")
    parser.add_argument("--out", type=Path, default=out, metavar="FOLDER", help=f"where the tables go (default: {out_text})")
    parser.add_argument("--task-folder", type=Path, default=TASKS_FOLDER, metavar="FOLDER", help="where the tasks' files lie (default: benchmarks/tasks)")
    parser.add_argument(
        "--method-folder", type=Path, default=method_folder, metavar="FOLDER", help=f"where the methods' files lie (default: {_shown(method_folder)})"
    )


def _shown(folder: Path) -> str:
    return folder.relative_to(RESULTS.parents[1]).as_posix()


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None, *, count: str) -> argparse.Namespace:
    """The options, refused where a number is too small.

    Args:
        parser: With the options of `add_options`.
        arguments: None for those of the process.
        count: Name of the option that counts studies or seeds; it must be ≥ 1.
    """
    options = parser.parse_args(arguments)
    options.cache = options.cache.resolve()  # a method may change the working folder
    for name, least in ((count, 1), ("workers", 1), ("minutes", 0)):
        if not getattr(options, name) >= least:
            parser.error(f"--{name} must be ≥ {least}, got {getattr(options, name)}.")
    return options


def names_of(text: str) -> list[str]:
    """Names separated by commas or blanks.

    Example:
        >>> names_of("wine_mlp, digits_cnn adult_mlp")
        ['wine_mlp', 'digits_cnn', 'adult_mlp']
    """
    return [name for name in text.replace(",", " ").split() if name]


def work(
    stores: list[Store], stages: Callable[[list[Store]], Iterable[Callable[[], list[Job]]]], *, machines: Rows, options: argparse.Namespace
) -> tuple[list[str], bool]:
    """Everything that is missing, stage by stage; nothing with `--cached`.

    Args:
        stores: Of the tasks.
        stages: Those of them whose tasks could be loaded → makers of jobs, each called when the one before is done.
        machines: Gets a row where anything is trained.
        options: Of the command.

    Returns:
        One line for each task that could not be loaded or trained; and whether Ctrl-C ended it.
    """
    failures: list[str] = []
    if options.cached:
        return failures, False
    deadline = time.monotonic() + 60 * options.minutes
    try:
        failures += run_jobs(load_jobs(stores), workers=options.workers, deadline=deadline)
        for make_jobs in stages([store for store in stores if store.known_facts() is not None]):
            jobs = make_jobs()
            if jobs:
                machines.once(describe_machine(), dict)
                failures += run_jobs(jobs, workers=options.workers, deadline=deadline)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return [], True
    return failures, False


def exit_code(failures: list[str], *, is_interrupted: bool) -> int:
    """Say the failures; 0, or 2 where there are any, 130 where it was interrupted."""
    for failure in failures:
        print(failure, file=sys.stderr)
    return 130 if is_interrupted else 2 if failures else 0


def hear_interrupts() -> None:
    """Ctrl-C and a plea to end arrive as KeyboardInterrupt: a shell starts what is in its background with Ctrl-C ignored."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
