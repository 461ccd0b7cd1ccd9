"""Where a single probe is carried out: its study, its laboratory without a budget, and what its validation may cost."""

import dataclasses
import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tunesmith.engine import Checked, check_task
from tunesmith.engine.data import EVALUATION_BATCH_SIZE
from tunesmith.engine.device import resolve_device
from tunesmith.errors import InputError, StudyError
from tunesmith.recipe.allowance import first_batch_size, validation_size
from tunesmith.recipe.description import check_kind, describe
from tunesmith.recipe.found import first_settings
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.progress import Progress, SilentProgress
from tunesmith.report import write_report
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.study.connection import told
from tunesmith.task import Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS

CONDITIONS_NOTE = "conditions"
"""Name → fingerprint of each changed task that the study has runs of."""

PARAMETERS = "n_parameters_of"
"""In the description: name → trained parameters of each changed task, as the check counted them."""


@contextmanager
def open_probe_study(
    task: Task,
    *,
    out: str | Path,
    seed: int,
    device: str,
    probe: str,
    progress: Progress | None,
    changed: Mapping[str, Task] | None = None,
    check: Callable[..., Checked] = check_task,
) -> Generator[Laboratory]:
    """The laboratory of a probe's study, made or resumed.

    Args:
        task: The study's own.
        out: Its folder.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        probe: What kind of study it is.
        progress: Hears what happens.
        changed: Name → changed task that runs are to be made of.
        check: (task, device=) → what its check learnt.

    Raises:
        InputError: A device that is not there, or data that cannot be trained on.
        TaskError: A task that contradicts itself.
        UserCodeError: The task's own code raised.
        StudyError: Another task's study, another kind, or one whose changed task of that name was another.
    """
    check_kind(Path(out), recipe=probe)
    device = str(resolve_device(device))
    checked = check(task, device=device)
    others = {name: check_task(other, device=device) for name, other in (changed or {}).items()}
    checked = dataclasses.replace(checked, has_batch_norm=any(found.has_batch_norm for found in (checked, *others.values())))
    description = describe(task, checked, budget=math.inf, seed=seed, recipe=probe, limits=Limits(fixed={}, bounds={}), device=device)
    if others:
        description[PARAMETERS] = {name: found.n_parameters for name, found in others.items()}
    with Study.create(Path(out), fingerprint=checked.fingerprint, description=description) as study:
        hold_conditions(study, others)
        yield Laboratory(
            task=task,
            checked=checked,
            study=study,
            budget=math.inf,
            seed=seed,
            device=device,
            thresholds=DEFAULT_THRESHOLDS,
            progress=progress or SilentProgress(),
        )


def hold_conditions(study: Study, changed: Mapping[str, Checked]) -> None:
    """A run of a changed task is found again by the task's name, so a name must go on meaning the same task."""
    noted = study.notes.get(CONDITIONS_NOTE)
    known = dict(noted) if isinstance(noted, dict) else {}
    for name, checked in changed.items():
        if known.setdefault(name, checked.fingerprint) != checked.fingerprint:
            raise StudyError(
                f"A condition must stay what it was while a study goes on, and {study.folder} holds runs of another '{name}'. "
                "Give it another name, pass another --out, or change it back."
            )
    if changed:
        study.note(CONDITIONS_NOTE, known)


def parameters_of(study: Study) -> dict[str, int]:
    """Name → trained parameters of each changed task."""
    found = study.description.get(PARAMETERS)
    return {name: int(str(number)) for name, number in found.items()} if isinstance(found, dict) else {}


def starting_settings(lab: Laboratory, batch_size: int | None) -> Settings:
    """Where a probe starts: as `tune` does.

    Raises:
        InputError: A batch size that the training set does not have.
    """
    if batch_size is not None and not 1 <= batch_size <= lab.task.n_train:
        raise InputError(f"batch_size must be between 1 and the {lab.task.n_train} training examples, got {batch_size}. Pass a smaller one.")
    size = first_batch_size(usual=lab.task.reference_batch_size, full_training_examples=lab.full_training_examples, fixed=batch_size)
    return first_settings(lab, Limits(fixed={}, bounds={}), batch_size=size)


def validation_of(lab: Laboratory, *, steps: int, batch_size: int, evaluations: int) -> tuple[int, int]:
    """Evaluations on the way and examples of each, at a quarter of the updates' price: see `allowance.validation_size`."""
    return validation_size(
        trained_examples=float(steps * batch_size),
        evaluations=evaluations,
        n_valid=lab.checked.n_valid,
        norm_examples=lab.norm_examples(batch_size),
        slice_unit=1 if lab.task.n_valid is not None else EVALUATION_BATCH_SIZE,
    )


def write_study_report(study: Study) -> None:
    """`report.html` in the study's folder."""
    path = study.folder / "report.html"
    with told(path, doing="Writing"):
        write_report(study, path)
