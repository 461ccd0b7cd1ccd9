"""`tunesmith lr-range` and `min-lr`: one probe, or a sweep that somebody else recorded."""

from pathlib import Path

import click

from tunesmith.cli.backend import Backend, Result
from tunesmith.cli.command import Voice, command
from tunesmith.cli.options import device_option, out_option, positive, seed_option
from tunesmith.cli.wording import result_text
from tunesmith.errors import InputError


def _finish(voice: Voice, result: Result) -> int:
    document = result.to_dict()
    voice.result(lambda: document, lambda: result_text(document))
    return 0 if document["suggestion"] is not None else 1


@command("lr-range", example="tunesmith lr-range train.py:task --out runs/mine\ntunesmith lr-range --curve sweep.csv")
@click.argument("task", metavar="[FILE:FUNCTION]", required=False)
@out_option(text="Folder of the study; needed with FILE:FUNCTION.", is_required=False)
@click.option("--curve", type=click.Path(path_type=Path), metavar="FILE.csv", help="Read a recorded sweep instead: columns step, lr, train_loss, valid_loss.")
@seed_option
@device_option
@click.option("--start-lr", type=float, callback=positive, help="Where the sweep begins. Default: 0.")
@click.option("--end-lr", type=float, callback=positive, help="Where the sweep ends. Default: found by a short exponential sweep.")
@click.option("--steps", type=click.IntRange(min=1), help="Updates of the sweep. Default: a quarter of a full training.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Total batch size. Default: the task's.")
def lr_range(
    backend: Backend,
    voice: Voice,
    *,
    task: str | None,
    out: Path | None,
    curve: Path | None,
    seed: int,
    device: str,
    start_lr: float | None,
    end_lr: float | None,
    steps: int | None,
    batch_size: int | None,
) -> int:
    """Raise the learning rate through one short run and read where training works best and where it breaks."""
    if (task is None) == (curve is None):
        raise InputError(f"lr-range must be given either FILE:FUNCTION or --curve FILE.csv, got {'neither' if task is None else 'both'}. Give one of the two.")
    if start_lr is not None and end_lr is not None and start_lr >= end_lr:
        raise InputError(f"--start-lr must be < --end-lr, got {start_lr:g} and {end_lr:g}. Exchange them.")
    if curve is not None:
        if out is not None:
            raise InputError("--out must come with FILE:FUNCTION; reading --curve writes nothing. Leave it out.")
        return _finish(voice, backend.read_curve_file(curve))
    if task is None or out is None:
        raise InputError("lr-range must be given --out DIR with FILE:FUNCTION. Add for example --out runs/mine.")
    with voice.working() as progress:
        result = backend.lr_range(
            backend.load_task(task), out=out, seed=seed, device=device, start_lr=start_lr, end_lr=end_lr, steps=steps, batch_size=batch_size, progress=progress
        )
    return _finish(voice, result)


@command("min-lr", example="tunesmith min-lr train.py:task --out runs/mine --max-lr 0.8")
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study.")
@seed_option
@device_option
@click.option("--max-lr", type=float, callback=positive, help="Peak of the cycle. Default: found by a range test first.")
@click.option("--steps", type=click.IntRange(min=1), help="Updates of each run. Default: an eighth of a full training.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Total batch size. Default: the task's.")
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
) -> int:
    """Find the learning rate that a cycle should begin with, by constant-rate runs below its peak."""
    with voice.working() as progress:
        result = backend.min_lr(
            backend.load_task(task), out=out, seed=seed, device=device, max_lr=max_lr, steps=steps, batch_size=batch_size, progress=progress
        )
    return _finish(voice, result)
