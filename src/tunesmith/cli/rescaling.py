"""`tunesmith rescale`: a plan at another batch size, by rule. It never trains."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.command import JSON_VERSION, Voice, command
from tunesmith.cli.studies import STUDY_FILES
from tunesmith.cli.wording import result_text
from tunesmith.errors import InputError
from tunesmith.plots.digits import interval_text, number_text

if TYPE_CHECKING:
    from tunesmith.rescaling import Rescaled

_NAMES = {
    "batch_size": "Batch size",
    "max_lr": "Peak learning rate",
    "min_lr": "Lowest learning rate",
    "max_momentum": "Largest momentum",
    "min_momentum": "Smallest momentum",
    "weight_decay": "Weight decay",
    "total_steps": "Updates",
    "epochs": "Epochs",
    "micro_batch_size": "Examples at once",
}
_SAID_ELSEWHERE = ("rescaled", "length")
"""Findings that the heading and the table say already."""
_IN_SHORT = {
    "unchanged": "nothing changes",
    "carried_over": "near enough to train with",
    "range_test_first": "repeat the range test first",
    "tune_again": "tune again rather than train with this",
}


@command(
    "rescale",
    example="tunesmith rescale runs/mine --batch-size 256\ntunesmith rescale runs/mine --batch-size 512 --devices 4 --out plan-512.toml",
)
@click.argument("place", metavar="DIR|PLAN.toml", type=click.Path(path_type=Path))
@click.option("--batch-size", type=click.IntRange(min=1), required=True, metavar="N", help="The new total: micro-batch x accumulation x devices.")
@click.option("--devices", type=click.IntRange(min=1), default=1, show_default=True, metavar="K", help="How many share an update; N must be a multiple.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.toml", help="Write the new plan, for `tunesmith train --plan`.")
def rescale(backend: Backend, voice: Voice, *, place: Path, batch_size: int, devices: int, out: Path | None) -> int:
    """Say what a plan becomes at another batch size, how sure that is, and which probe to repeat.

    Nothing is trained: same epochs, learning rate by a power of the batch size, same total weight decay.
    """
    if out is not None:
        _check_out(out, place=place)
    rescaled = backend.rescale(place, batch_size, devices)
    if out is not None:
        backend.write_plan(rescaled.plan, out)
    voice.result(lambda: {"version": JSON_VERSION, **rescaled.to_dict()}, lambda: rescaled_text(rescaled))
    if out is not None:
        voice.say(f"Plan: {out}")
    return 0


def _check_out(out: Path, *, place: Path) -> None:
    """Holds that the new plan replaces neither the old one nor a study's file."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"--out must name a file in a folder that exists, got {str(out)!r}. Pass for example --out plan-rescaled.toml.")
    is_of_a_study = out.name in STUDY_FILES and (out.absolute().parent / STUDY_FILES[0]).exists()
    if is_of_a_study or out.resolve() == place.resolve():
        raise InputError(f"--out must not be the plan that is rescaled nor a file of a study, got {str(out)!r}. Pass for example --out plan-rescaled.toml.")


def rescaled_text(rescaled: "Rescaled") -> str:
    """A heading, a table of the knobs before and after, and sentences."""
    before, after = (str(value) for value in (rescaled.changes["batch_size"].before, rescaled.changes["batch_size"].after))
    cells = [("", "before", "after", "may be")]
    cells += [
        (_NAMES[name], _value_text(name, change.before, batch_size=before), _value_text(name, change.after, batch_size=after), interval_text(change.interval))
        for name, change in rescaled.changes.items()
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    table = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    doubts = result_text({"findings": [finding.to_dict() for finding in rescaled.findings if finding.kind not in _SAID_ELSEWHERE]})
    parts = ["\n".join(table), result_text({"advice": list(rescaled.advice)}), f"How sure that is\n{doubts}" if doubts else ""]
    return "\n\n".join([f"Batch size {before} → {after}: {_IN_SHORT[rescaled.outcome]}.", *(part for part in parts if part)])


def _value_text(name: str, value: float | None, *, batch_size: str) -> str:
    return batch_size if name == "micro_batch_size" and value is None else number_text(value)
