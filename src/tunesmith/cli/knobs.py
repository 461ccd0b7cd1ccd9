"""`tunesmith momentum`, `tunesmith weight-decay` and `tunesmith batch-size`: one knob by short annealed runs."""

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.command import Voice, command
from tunesmith.cli.options import device_option, out_option, parse_fixed, parse_sizes, parse_values, positive, require_name, seed_option
from tunesmith.cli.probing import draw, finish, plot_option
from tunesmith.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")


def _options_of_runs(described: Callable[P, T]) -> Callable[P, T]:
    """`--repeats`, `--steps`, `--schedule` and `--batch-size`, which both knobs have."""
    options = (
        click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Seeds of each value, the same for all; one cannot tell."),
        click.option("--steps", type=click.IntRange(min=1), help="Updates of each run. Default: an eighth of a full training."),
        click.option("--schedule", metavar="NAME", help="Shape of the runs. Default: the task's."),
        click.option(
            "--batch-size",
            type=click.IntRange(min=1),
            help="Total batch size. Default: the task's, or 64, halved where a full training would have fewer than 600 updates.",
        ),
    )
    for option in reversed(options):
        described = option(described)
    return described


@command(
    "momentum",
    example="tunesmith momentum train.py:task --out runs/momentum\ntunesmith momentum train.py:task --out runs/momentum --lr 0.1 --lr-momentum 0.9",
)
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option("--values", metavar="M,M,…", help="Constant momenta to try, these alone. Default: 0.9,0.95,0.97,0.99, extended at their border.")
@click.option("--lr", type=float, callback=positive, help="Peak learning rate at a constant --lr-momentum. Default: found by a range test first.")
@click.option("--lr-momentum", type=float, help="The constant momentum that --lr belongs to. Default: 0.9.")
@_options_of_runs
@click.option("--fix", multiple=True, metavar="KNOB=VALUE", help="Decides weight_decay (of the full training; default 0) or epochs; may be repeated.")
@plot_option
def momentum(
    backend: Backend,
    voice: Voice,
    *,
    task: str,
    out: Path,
    seed: int,
    device: str,
    values: str | None,
    lr: float | None,
    lr_momentum: float | None,
    repeats: int,
    steps: int | None,
    schedule: str | None,
    batch_size: int | None,
    fix: tuple[str, ...],
    plot: Path | None,
) -> int:
    """Find the momentum by short annealed runs: constant values at equal lr/(1-m), then cycles beside the one suggested.

    For Adam kinds momentum is beta1, compared at equal learning rate.
    """
    if lr_momentum is not None and lr is None:
        raise InputError(f"--lr-momentum must come with --lr, got --lr-momentum {lr_momentum:g} alone. Add the peak that belongs to it.")
    fixed = _fixed(backend, fix, allowed=("weight_decay", "epochs"), batch_size=batch_size, schedule=schedule)
    with voice.working() as progress:
        result = backend.momentum(
            backend.load_task(task), out=out, seed=seed, device=device, values=parse_values(values), repeats=repeats, lr=lr, steps=steps, schedule=schedule,
            fixed=fixed, progress=progress, lr_momentum=0.9 if lr_momentum is None else lr_momentum,
        )  # fmt: skip
    draw(backend, voice, out=out, probe="momentum", plot=plot)
    return finish(voice, result)


@command(
    "weight-decay",
    example="tunesmith weight-decay train.py:task --out runs/decay\ntunesmith weight-decay train.py:task --out runs/decay --values 0,1e-4,1e-3",
)
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option(
    "--values", metavar="X,X,…", help="Weight decays of the full training to try, these alone. Default: the report's grid for data and network, refined."
)
@click.option("--lr", type=float, callback=positive, help="Peak learning rate. Default: found by a range test first.")
@_options_of_runs
@click.option("--fix", multiple=True, metavar="KNOB=VALUE", help="Decides momentum (constant; default .95 falling to .85) or epochs; may be repeated.")
@plot_option
def weight_decay(
    backend: Backend,
    voice: Voice,
    *,
    task: str,
    out: Path,
    seed: int,
    device: str,
    values: str | None,
    lr: float | None,
    repeats: int,
    steps: int | None,
    schedule: str | None,
    batch_size: int | None,
    fix: tuple[str, ...],
    plot: Path | None,
) -> int:
    """Find the weight decay by short annealed runs that carry the total decay of the full training."""
    fixed = _fixed(backend, fix, allowed=("momentum", "epochs"), batch_size=batch_size, schedule=schedule)
    with voice.working() as progress:
        result = backend.weight_decay(
            backend.load_task(task), out=out, seed=seed, device=device, values=parse_values(values), repeats=repeats, lr=lr, steps=steps, schedule=schedule,
            fixed=fixed, progress=progress,
        )  # fmt: skip
    draw(backend, voice, out=out, probe="weight_decay", plot=plot)
    return finish(voice, result)


@command(
    "batch-size",
    example="tunesmith batch-size train.py:task --out runs/batch --plot batch.png\n"
    "tunesmith batch-size train.py:task --out runs/batch --sizes 32,64,128,256 --repeats 3 --lr 0.1",
)
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option("--sizes", metavar="N,N,…", help="Total batch sizes to run. Default: doubles and halves of the first that promise to be clearly faster.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds of each size, the same for all.")
@click.option("--lr", type=float, callback=positive, help="Peak learning rate at the first batch size. Default: found by a range test first.")
@click.option("--steps", type=click.IntRange(min=1), help="Updates of each run at the first batch size. Default: at most a sixteenth of a full training.")
@click.option("--schedule", metavar="NAME", help="Shape of the runs. Default: the task's.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="The first total batch size. Default: the task's, or 64, halved where a full training would have fewer than 600 updates.",
)
@click.option("--fix", multiple=True, metavar="KNOB=VALUE", help="Decides momentum, weight_decay (of the full training) or epochs; may be repeated.")
@click.option("--time-model", type=click.Path(path_type=Path), metavar="FILE", help="time_model.json of another machine. Default: measured here, once.")
@plot_option
def batch_size(
    backend: Backend,
    voice: Voice,
    *,
    task: str,
    out: Path,
    seed: int,
    device: str,
    sizes: str | None,
    repeats: int,
    lr: float | None,
    steps: int | None,
    schedule: str | None,
    batch_size: int | None,
    fix: tuple[str, ...],
    time_model: Path | None,
    plot: Path | None,
) -> int:
    """Find the total batch size that reaches a loss soonest: what fits, what is fast, how noisy gradients are, and short runs at equal wall time."""
    fixed = _fixed(backend, fix, allowed=("momentum", "weight_decay", "epochs"), batch_size=batch_size, schedule=schedule)
    with voice.working() as progress:
        result = backend.batch_size(
            backend.load_task(task), out=out, seed=seed, device=device, sizes=parse_sizes(sizes), repeats=repeats, lr=lr, steps=steps, schedule=schedule,
            fixed=fixed, time_model=time_model, progress=progress,
        )  # fmt: skip
    draw(backend, voice, out=out, probe="batch_size", plot=plot)
    return finish(voice, result)


def _fixed(backend: Backend, texts: tuple[str, ...], *, allowed: tuple[str, ...], batch_size: int | None, schedule: str | None) -> dict[str, float]:
    """What is not tried, from --fix and --batch-size; holds that the schedule has a name that we know."""
    fixed = parse_fixed(texts)
    for knob in fixed:
        require_name(knob, allowed, what="--fix")
    if schedule is not None:
        require_name(schedule, backend.schedule_names(), what="--schedule")
    return fixed if batch_size is None else fixed | {"batch_size": float(batch_size)}
