"""`tunesmith schedule`: the values of a schedule, as a table or a figure."""

from pathlib import Path

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.command import JSON_VERSION, Voice, command
from tunesmith.cli.options import cycles_option, positive, require_cycles, require_name
from tunesmith.settings import Settings

TABLE_ROWS = 21
"""Rows of the table: every twentieth of the training (our choice)."""


@command(
    "schedule",
    example="tunesmith schedule one_cycle --max-lr 0.8 --total-steps 2000\n"
    "tunesmith schedule triangular --cycles 3 --max-lr 0.1 --total-steps 900 --plot cycles.png",
)
@click.argument("name")
@click.option("--max-lr", type=float, required=True, callback=positive, help="Peak learning rate.")
@click.option("--total-steps", type=click.IntRange(min=1), required=True, help="Updates of the training.")
@click.option("--min-lr", type=float, help="Learning rate at the start of a cycle. Default: a tenth of --max-lr; a quarter for several cycles.")
@cycles_option(text="1, 4 and 4.")
@click.option("--momentum", type=float, default=0.95, show_default=True, help="Momentum where the learning rate is small.")
@click.option("--min-momentum", type=float, help="Momentum where the learning rate is largest. Default: constant.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw it into a file as well (.png, .svg, .pdf).")
def schedule(
    backend: Backend,
    voice: Voice,
    *,
    name: str,
    max_lr: float,
    total_steps: int,
    min_lr: float | None,
    cycles: int | None,
    momentum: float,
    min_momentum: float | None,
    plot: Path | None,
) -> int:
    """Print the learning rate and the momentum that a schedule gives each update."""
    require_name(name, backend.schedule_names(), what="A schedule")
    require_cycles(cycles, schedule=name)
    settings = Settings(lr=max_lr, min_lr=min_lr, momentum=momentum, min_momentum=min_momentum, schedule=name, cycles=cycles)
    lr, momenta = backend.schedule_values(settings, total_steps)
    if plot is not None:
        backend.plot_schedule(settings, total_steps, plot)
        voice.say(f"Figure: {plot}")
    voice.result(
        lambda: {"version": JSON_VERSION, "schedule": name, "total_steps": total_steps, "lr": list(lr), "momentum": list(momenta)},
        lambda: _table(lr, momenta),
    )
    return 0


def _table(lr: list[float], momentum: list[float]) -> str:
    rows = min(TABLE_ROWS, len(lr))
    steps = sorted({round(row * (len(lr) - 1) / max(1, rows - 1)) for row in range(rows)})
    return "\n".join([f"{'step':>8}  {'lr':>10}  {'momentum':>8}", *(f"{step:>8}  {lr[step]:>10.4g}  {momentum[step]:>8.4g}" for step in steps)])
