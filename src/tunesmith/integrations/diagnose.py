"""Anyone's training curves → what they show: logs of other tools, columns in Python and runs of our own, read for clues and compared. Trains nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from tunesmith.curve import Curve, Run
from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, NotRead, short_titles
from tunesmith.errors import CurveError, InputError
from tunesmith.integrations.logs import from_columns, read_log
from tunesmith.integrations.logs.columns import Frame
from tunesmith.log import TrainingLog, from_curve
from tunesmith.reading.clues import diagnosed, read_clues
from tunesmith.reading.outlook import foresee
from tunesmith.study import Study
from tunesmith.study.folder import DATABASE_NAME

_FULL = frozenset({"confirm", "current"})
_TRAINED = ("curve.csv", "seed-*/curve.csv")
"""What `tunesmith train` writes."""

Source: TypeAlias = str | Path | Curve | Run | TrainingLog | Mapping[str, Iterable[object]] | Sequence[Mapping[str, object]] | Frame
"""What `diagnose` takes."""


def diagnose(source: Source, *more: Source, columns: Mapping[str, str] | None = None) -> Diagnosis:
    """Say what training curves show, since when, how sure, and which knob to turn which way.

    Costs no training: it reads what was recorded, and loads no torch.

    Args:
        source: A log of any tool, as a file or a folder (see `tunesmith.integrations.logs.read_log`), or the folder of a study or training of ours; columns
            in Python, as a dict of lists, a list of dicts or a DataFrame; a `Curve`, a `Run` or a `TrainingLog`. One source may hold several runs.
        more: Further ones; two or more curves are compared as well.
        columns: What is what, where the names do not say it: {"valid_loss": "my column"}; "" for what is not to be read. Roles are step, epoch, lr,
            train_loss and valid_loss. Holds for every source that has columns.

    Returns:
        One diagnosis a curve, and which of several will end better.

    Raises:
        InputError: A source is nothing of the kind, `columns` names a role that there is not, or a source needs a library that is not installed.
        CurveError: A source is not a log, or holds neither a loss nor a metric.

    Example:
        >>> diagnosis = diagnose({"step": range(0, 2000, 100), "loss": [2 / (1 + i) for i in range(20)], "val_loss": [2.1 / (1 + i) for i in range(20)]})
        >>> diagnosis.curves[0].log.columns
        {'step': 'step', 'train_loss': 'loss', 'valid_loss': 'val_loss'}
        >>> isinstance(diagnosis.verdict, str), len(diagnosis.findings) > 0, diagnosis.outlook
        (True, True, None)
    """
    sources = (source, *more)
    return _joined([curve for at, one in enumerate(sources, start=1) for curve in _curves_of(one, columns=columns, name=_name(at, of=len(sources)))])


def diagnose_files(paths: Sequence[Path], *, columns: Mapping[str, str] | None = None) -> Diagnosis:
    """The same of files and folders, of which some may be no logs: those are named in `not_read`, and the others are read.

    Args:
        paths: As they were typed; at least one.
        columns: As for `diagnose`.

    Returns:
        One diagnosis for each curve in those that could be read, and which of several will end better.

    Raises:
        InputError: None of them could be read; the sentence is that of the first.
    """
    curves: list[CurveDiagnosis] = []
    not_read: list[NotRead] = []
    for path in paths:
        try:
            curves += _curves_of(path, columns=columns, name=str(path))
        except InputError as error:
            not_read.append(NotRead(file=str(path), why=str(error)))
        except OSError as error:  # of a folder that may not be listed
            not_read.append(NotRead(file=str(path), why=f"A log must be readable, and {str(path)!r} is not ({error.strerror}). Look at its permissions."))
    if not curves:
        others = f" So it is with {len(not_read) - 1} more." if len(not_read) > 1 else ""
        raise CurveError(not_read[0].why + others)
    return _joined(curves, not_read=tuple(not_read))


def _joined(curves: Sequence[CurveDiagnosis], *, not_read: tuple[NotRead, ...] = ()) -> Diagnosis:
    named = [replace(curve.log, name=title) for curve, title in zip(curves, short_titles(curves), strict=True)]
    outlook = foresee(named) if len(named) > 1 else None
    return Diagnosis(curves=tuple(curves), outlook=outlook, not_read=not_read)


def _name(at: int, *, of: int) -> str:
    return "curve" if of == 1 else f"curve {at}"


def _curves_of(source: Source, *, columns: Mapping[str, str] | None, name: str) -> list[CurveDiagnosis]:
    match source:
        case Run():
            return [diagnosed(source, name=f"lr {source.spec.settings.lr:g}, seed {source.spec.seed}")]
        case Curve():
            return [CurveDiagnosis(log=from_curve(source, name=name), findings=read_clues(source))]
        case TrainingLog():
            return [_read(source)]
        case str() | Path():
            return _of_path(Path(source), columns=columns)
        case _:
            return [_read(log) for log in from_columns(source, columns=columns, name=name)]


def _read(log: TrainingLog, *, file: str | None = None, run: str | None = None) -> CurveDiagnosis:
    return CurveDiagnosis(log=log, findings=read_clues(log), file=file, run=run)


def _of_path(path: Path, *, columns: Mapping[str, str] | None) -> list[CurveDiagnosis]:
    if (path / DATABASE_NAME).is_file():
        return _of_study(path)
    trained = sorted(found for pattern in _TRAINED for found in path.glob(pattern)) if path.is_dir() else []
    logs = [replace(log, name=f"{path.name}/{file.relative_to(path)}") for file in trained for log in read_log(file, columns=columns)]
    logs = logs or read_log(path, columns=columns)
    return [_read(log, file=str(path), run=_run_in(log.name, path) if len(logs) > 1 else None) for log in logs]


def _of_study(folder: Path) -> list[CurveDiagnosis]:
    """The full trainings of a study of ours: the plan's, and those of the current settings."""
    with Study.open(folder) as study:
        arms = [arm for experiment in study.experiments() if experiment.probe in _FULL for arm in experiment.arms]
    if not arms:
        raise CurveError(f"A study must hold a full training to be diagnosed, and {str(folder)!r} has none yet. `tunesmith show {folder}` says what it has.")
    return [replace(diagnosed(arm.run, name=arm.title), file=str(folder), run=arm.title if len(arms) > 1 else None) for arm in arms]


def _run_in(name: str, path: Path) -> str:
    """Which run of a file a log is, without the file's own name."""
    return name.removeprefix(path.name).lstrip(":/\\ ") or name
