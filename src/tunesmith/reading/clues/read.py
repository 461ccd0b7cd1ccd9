"""A run → its clues, what matters most first."""

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.diagnosis import CurveDiagnosis
from tunesmith.finding import Finding
from tunesmith.log import TrainingLog, from_curve
from tunesmith.reading.clues import ending, silent, turned, unsteady
from tunesmith.reading.clues.clue import DECIDES, clue
from tunesmith.reading.clues.line import line_of
from tunesmith.reading.clues.story import story_of
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

_ALARMS = (
    unsteady.diverged, silent.too_noisy, unsteady.oscillating, unsteady.unstable, turned.early_overfitting_hump, turned.overfitting,
    turned.weight_decay_high, silent.never_started, turned.metrics_disagree,
)  # fmt: skip
_ENDINGS = (ending.ends_high, ending.plateaued, turned.weight_decay_low, ending.unfinished, ending.underfitting)
_BROKEN = {"diverged", "too_noisy", "unstable", "never_started"}
"""Kinds after which nothing is said of where the run ended."""


def diagnosed(run: Run, *, name: str = "run", thresholds: Thresholds = DEFAULT_THRESHOLDS) -> CurveDiagnosis:
    """A run of ours with its clues, read with the length that it was meant to have.

    Args:
        run: Of any kind.
        name: Of its log.
        thresholds: The constants of judgement.
    """
    log = from_curve(run.curve, name=name, total_steps=run.spec.total_steps)
    return CurveDiagnosis(log=log, findings=_read(log, outcome=run.curve.outcome, thresholds=thresholds))


def read_clues(run: Curve | TrainingLog, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> tuple[Finding, ...]:
    """What the shape of a run's losses says, what matters most first: the first finding is the verdict.

    Source: remarks 1 to 3 of the report (the clues lie in the validation loss, early). The rules and their constants are ours; each kind has one rule, in
    `KINDS`, and docs/diagnose.md has them.

    Args:
        run: A curve of ours, or a log of any tool: with what it has. Without a validation loss nothing is said of overfitting, and less of the rest; without
            a training loss a rise of the validation loss may be instability as well; without a learning rate nobody knows whether the schedule was over.
        thresholds: The constants of judgement.

    Returns:
        At least one finding, of the kinds in `KINDS`; "balanced" where there is nothing to mend. A verdict whose confidence is below .5 decides nothing: it is
        the likeliest of what cannot be told apart.

    Example:
        >>> steps, level = tuple(range(10, 210, 10)), tuple(0.5 + 1.5 * 0.7**i for i in range(20))
        >>> rows = dict(lr=(0.1,) * 200, momentum=(0.9,) * 200, train_loss=tuple(0.2 + 1.8 * 0.97**i for i in range(200)), eval_step=steps)
        >>> up = tuple(value + max(0, i - 8) * 0.1 for i, value in enumerate(level))
        >>> first = read_clues(Curve(valid_loss=up, **rows))[0]
        >>> first.kind, first.since_step, first.is_confident
        ('overfitting', 90, True)
        >>> read_clues(Curve(valid_loss=level, **rows))[0].kind
        'balanced'
    """
    if isinstance(run, Curve):
        return _read(from_curve(run, name="run"), outcome=run.outcome, thresholds=thresholds)
    return _read(run, outcome=RunOutcome.FINISHED, thresholds=thresholds)


def _read(log: TrainingLog, *, outcome: RunOutcome, thresholds: Thresholds) -> tuple[Finding, ...]:
    story = story_of(log, outcome=outcome)
    if story is None and (outcome in {RunOutcome.DIVERGED, RunOutcome.NOT_FINITE} or len(log.train_loss) + len(log.valid_loss)):
        return (_lost_at_once(log),)
    if story is None:
        return (
            clue(
                "too_noisy", confidence=DECIDES, evidence="The log has no loss, and no metric of which it is known whether more is better.",
                not_established="Anything about under- or overfitting.", action="Record the training and the validation loss.",
            ),
        )  # fmt: skip
    alarms = [finding for read in _ALARMS if (finding := read(story, thresholds)) is not None]
    is_broken = any(alarm.kind in _BROKEN and alarm.confidence >= DECIDES for alarm in alarms)
    endings = [] if is_broken else sorted((ended for read in _ENDINGS if (ended := read(story, thresholds)) is not None), key=lambda ended: -ended.confidence)
    endings = [ended for index, ended in enumerate(endings) if ended.kind not in {one.kind for one in endings[:index]}]
    found = [*sorted(alarms, key=lambda finding: not finding.is_confident), *endings]
    decided = [finding for finding in found if finding.confidence >= DECIDES]
    likely = [finding for finding in found if finding.confidence < DECIDES]
    return (*(decided or [ending.balanced(story, thresholds)]), *likely)


def has_learnt(curve: Curve, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> bool:
    """Whether the validation loss ends below where the training began, by more than its noise.

    Args:
        curve: A run with a validation loss.
        thresholds: The constants of judgement.

    Example:
        >>> rows = dict(lr=(0.1,) * 60, momentum=(0.9,) * 60, train_loss=tuple(1 - i / 60 for i in range(60)), eval_step=(15, 30, 45, 60))
        >>> has_learnt(Curve(valid_loss=(1.0, 1.1, 1.2, 1.3), **rows)), has_learnt(Curve(valid_loss=(0.9, 0.8, 0.7, 0.6), **rows))
        (False, True)
    """
    log = from_curve(curve, name="run")
    train, valid = line_of(log.train_loss), line_of(log.valid_loss)
    if valid is None or valid.lost_at is not None:
        return False
    return (valid if train is None else train).start - valid.final > thresholds.flat_drop * valid.error


def _lost_at_once(log: TrainingLog) -> Finding:
    step = min((float(series.step[0]) for series in (log.train_loss, log.valid_loss) if len(series)), default=0.0)
    return clue(
        "diverged", since=step, confidence=0.99, evidence=f"No loss is a number that can be used, from step {step:,.0f} on.",
        not_established="Whether the learning rate, the weight decay or the data is to blame: NaN in the data does the same.",
    )  # fmt: skip
