"""`tunesmith lr-range`, `min-lr` and `capacity`: one probe, or a sweep that somebody else recorded."""

from collections.abc import Mapping
from pathlib import Path

import click

from tunesmith.cli.backend import PLOT_ENDINGS, Backend, Result
from tunesmith.cli.command import Voice, command
from tunesmith.cli.options import device_option, out_option, parse_under, positive, seed_option
from tunesmith.cli.wording import result_text
from tunesmith.errors import InputError


def _plot_path(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    """A click callback: refuses a file that cannot be drawn before anything is trained."""
    if value is not None and value.suffix.lower() not in PLOT_ENDINGS:
        raise click.BadParameter(f"must name a file that ends in {', '.join(PLOT_ENDINGS)}, got {str(value)!r}.")
    if value is not None and (value.is_dir() or not value.absolute().parent.is_dir()):
        raise click.BadParameter(f"must name a file in a folder that is there, got {str(value)!r}.")
    return value


plot_option = click.option("--plot", type=click.Path(path_type=Path), callback=_plot_path, metavar="FILE", help="Draw it into this file as well.")


def finish(voice: Voice, result: Result) -> int:
    """Prints what a probe found, and gives the exit code: 1 where it suggests nothing."""
    document = result.to_dict()
    voice.result(lambda: document, lambda: result_text(document))
    return 0 if document["suggestion"] is not None else 1


@command(
    "lr-range",
    example="tunesmith lr-range train.py:task --out runs/mine\n"
    "tunesmith lr-range train.py:task --out runs/decays --under weight_decay=1e-4,1e-3,1e-2\ntunesmith lr-range --curve sweep.csv",
)
@click.argument("task", metavar="[FILE:FUNCTION]", required=False)
@out_option(text="Folder of the study; needed with FILE:FUNCTION.", is_required=False)
@click.option("--curve", type=click.Path(path_type=Path), metavar="FILE.csv", help="Read a recorded sweep instead: columns step, lr, train_loss, valid_loss.")
@click.option(
    "--under",
    multiple=True,
    metavar="CONDITION",
    help="Lay range tests over one another: KNOB=VALUE,VALUE (batch_size, momentum, weight_decay; momentum=HIGH:LOW is cycled), the name of one of the task's "
    "conditions, or 'conditions' for all of them. May be repeated.",
)
@click.option("--repeats", type=click.IntRange(min=1), help="Sweeps of each condition, on further seeds; with --under. Default: 1.")
@seed_option
@device_option
@click.option("--start-lr", type=float, callback=positive, help="Where the sweep begins. Default: 0.")
@click.option("--end-lr", type=float, callback=positive, help="Where the sweep ends. Default: found by a short exponential sweep.")
@click.option("--steps", type=click.IntRange(min=1), help="Updates of the sweep. Default: a quarter of a full training.")
@click.option("--compare-steps", type=click.IntRange(min=1), help="Sweep once more with so many updates (not --steps), and say how far the suggestion moves.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Total batch size. Default: the task's, or 64, halved where a full training would have fewer than 600 updates.",
)
@plot_option
def lr_range(
    backend: Backend,
    voice: Voice,
    *,
    task: str | None,
    out: Path | None,
    curve: Path | None,
    under: tuple[str, ...],
    repeats: int | None,
    seed: int,
    device: str,
    start_lr: float | None,
    end_lr: float | None,
    steps: int | None,
    compare_steps: int | None,
    batch_size: int | None,
    plot: Path | None,
) -> int:
    """Raise the learning rate through one short run and read where training works best and where it breaks."""
    if (task is None) == (curve is None):
        raise InputError(f"lr-range must be given either FILE:FUNCTION or --curve FILE.csv, got {'neither' if task is None else 'both'}. Give one of the two.")
    if start_lr is not None and end_lr is not None and start_lr >= end_lr:
        raise InputError(f"--start-lr must be < --end-lr, got {start_lr:g} and {end_lr:g}. Exchange them.")
    if curve is not None:
        given: dict[str, object] = {
            "--out": out,
            "--under": under or None,
            "--plot": plot,
            "--repeats": repeats,
            "--steps": steps,
            "--compare-steps": compare_steps,
        }
        _require_nothing_of_a_study(given | {"--start-lr": start_lr, "--end-lr": end_lr, "--batch-size": batch_size})
        return finish(voice, backend.read_curve_file(curve))
    if task is None or out is None:
        raise InputError("lr-range must be given --out DIR with FILE:FUNCTION. Add for example --out runs/mine.")
    if repeats is not None and not under:
        raise InputError(f"--repeats must come with --under, got --repeats {repeats} alone. Add for example --under weight_decay=1e-4,1e-3.")
    if compare_steps is not None and under:
        raise InputError("--compare-steps must come without --under, got both. Compare the lengths under one condition first.")
    conditions, names = parse_under(under)
    with voice.working() as progress:
        if under:
            result = backend.lr_range_under(
                backend.load_task(task), conditions, out=out, names=names, seed=seed, device=device, start_lr=start_lr, end_lr=end_lr, steps=steps,
                batch_size=batch_size, repeats=repeats or 1, progress=progress,
            )  # fmt: skip
        else:
            result = backend.lr_range(
                backend.load_task(task), out=out, seed=seed, device=device, start_lr=start_lr, end_lr=end_lr, steps=steps, compare_steps=compare_steps,
                batch_size=batch_size, progress=progress,
            )  # fmt: skip
    draw(backend, voice, out=out, probe="lr_range_under" if under else "lr_range", plot=plot)
    return finish(voice, result)


def _require_nothing_of_a_study(given: Mapping[str, object]) -> None:
    """Holds that none of these options was typed with --curve."""
    typed = [name for name, value in given.items() if value is not None]
    if typed:
        raise InputError(f"{typed[0]} must come with FILE:FUNCTION; --curve reads what is there and writes nothing. Leave it out.")


def draw(backend: Backend, voice: Voice, *, out: Path, probe: str, plot: Path | None) -> None:
    """Draws a probe's experiment into a file where one was named."""
    if plot is not None:
        backend.plot_probe(out, probe, plot)
        voice.say(f"Figure: {plot}")


@command("min-lr", example="tunesmith min-lr train.py:task --out runs/mine --max-lr 0.8")
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option("--max-lr", type=float, callback=positive, help="Peak of the cycle. Default: found by a range test first.")
@click.option("--steps", type=click.IntRange(min=1), help="Updates of each run. Default: an eighth of a full training.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Total batch size. Default: the task's, or 64, halved where a full training would have fewer than 600 updates.",
)
@plot_option
def min_lr(
    backend: Backend,
    voice: Voice,
    *,
    task: str,
    out: Path,
    seed: int,
    device: str,
    max_lr: float | None,
    steps: int | None,
    batch_size: int | None,
    plot: Path | None,
) -> int:
    """Find the learning rate that a cycle should begin with, by constant-rate runs below its peak."""
    with voice.working() as progress:
        result = backend.min_lr(
            backend.load_task(task), out=out, seed=seed, device=device, max_lr=max_lr, steps=steps, batch_size=batch_size, progress=progress
        )
    draw(backend, voice, out=out, probe="min_lr", plot=plot)
    return finish(voice, result)


@command("capacity", example="tunesmith capacity train.py:widths --out runs/widths")
@click.argument("tasks", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option("--steps", type=click.IntRange(min=1), help="Updates of each run. Default: an eighth of a full training.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Total batch size. Default: the first task's, or 64, halved where a full training would have fewer than 600 updates.",
)
@click.option("--repeats", type=click.IntRange(min=1), default=2, show_default=True, help="Seeds of each network; their spread is the noise.")
@plot_option
def capacity(
    backend: Backend,
    voice: Voice,
    *,
    tasks: str,
    out: Path,
    seed: int,
    device: str,
    steps: int | None,
    batch_size: int | None,
    repeats: int,
    plot: Path | None,
) -> int:
    """Train a series of networks briefly, each at its own learning rate, and read which capacity suits the data.

    The function returns a list of tasks, a dict from names to tasks, or one task with conditions.
    """
    with voice.working() as progress:
        result = backend.capacity(
            backend.load_tasks(tasks), out=out, seed=seed, device=device, steps=steps, batch_size=batch_size, repeats=repeats, progress=progress
        )
    draw(backend, voice, out=out, probe="capacity", plot=plot)
    return finish(voice, result)
