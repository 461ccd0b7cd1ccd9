"""Several logs → which will end better: every pair is compared, and one is best where it is better than each of the others."""

from collections.abc import Sequence
from itertools import combinations

from tunesmith.diagnosis import Outlook, OutlookOutcome, PairOutlook
from tunesmith.errors import InputError
from tunesmith.log import TrainingLog, direction_of
from tunesmith.reading.outlook.pair import COIN_TOSS, DECIDED_FROM, Basis, PairReading, read_pair
from tunesmith.reading.outlook.standing import Standing, can_be_read, sign_of, standing_of
from tunesmith.reading.outlook.words import action_for, evidence_of, labels_of, not_established_by, summary_of
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

_FEWEST_LOGS = 2


def foresee(logs: Sequence[TrainingLog], *, goal: str | None = None, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Outlook:
    """Say which of several trainings will end better, from what their logs have so far; costs no training.

    Only the logs are read, no settings. A log that says how long the training was meant to be (`TrainingLog.total_steps`) and is that long counts by its
    end. Of any other the question is open: it may be cut, or be a short rehearsal of a longer training, and what a longer one would do is part of the doubt.

    Args:
        logs: Two or more, of one task: losses of different data or losses of different kinds cannot be compared, and nothing in a log shows that.
        goal: "loss", or the name of a validation metric of the logs, which must say whether more is better. Default: the loss; where no log has one, the first
            metric that all have and of which that is known. Where not every log has validation losses, training losses are compared, and count by half.
        thresholds: `diverged_rise` says when a run is lost.

    Returns:
        The outlook, with every pair. CANNOT_TELL is an answer: the probability says which way it leans.

    Raises:
        InputError: Fewer than two logs, none of them has the metric, or its name does not say whether more is better.

    Example:
        >>> from tunesmith.log import Series, StepUnit, TrainingLog
        >>> def log(name, *losses):
        ...     steps, rates = range(1, 1 + len(losses)), [1 - i / len(losses) for i in range(len(losses))]
        ...     return TrainingLog(name=name, source="CSV", step_unit=StepUnit.EPOCH, lr=Series.of(steps, rates), valid_loss=Series.of(steps, losses))
        >>> a, b = log("a.csv", 2.0, 1.0, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3), log("b.csv", 2.0, 1.8, 1.7, 1.6, 1.5, 1.4, 1.35, 1.3)
        >>> outlook = foresee([b, a])
        >>> outlook.best, str(outlook.outcome), round(outlook.probability, 2)
        (1, 'decided', 0.97)
        >>> str(foresee([a, a]).outcome), foresee([a, a]).probability
        ('cannot_tell', 0.5)

    Source: METHOD, traps 6 and 7; the constants are fitted to short runs and their full ones (`python -m benchmarks.clues.fit_outlook`).
    """
    if len(logs) < _FEWEST_LOGS:
        raise InputError(f"foresee compares at least two logs, got {len(logs)}. Give one log for each training.")
    goal = _goal_of(logs) if goal is None else _checked(goal, logs)
    by_training = not all(can_be_read(log, by_training=False) for log in logs) and all(can_be_read(log, by_training=True) for log in logs)
    return _compared(labels_of(logs), [standing_of(log, goal=goal, by_training=by_training, thresholds=thresholds) for log in logs], sign=sign_of(goal))


def _goal_of(logs: Sequence[TrainingLog]) -> str:
    if any(len(log.train_loss) or len(log.valid_loss) for log in logs):
        return "loss"
    common = [name for name in logs[0].valid_metrics if all(name in log.valid_metrics for log in logs)]
    return next((name for more in (True, False) for name in common if direction_of(name) is more), "loss")  # as the clues choose


def _checked(goal: str, logs: Sequence[TrainingLog]) -> str:
    known = sorted({name for log in logs for name in log.valid_metrics if direction_of(name) is not None})
    if goal != "loss" and goal not in known:
        raise InputError(
            f"goal must be 'loss' or a validation metric of the logs whose name says whether more is better ({', '.join(known) or 'they have none'}), "
            f"got {goal!r}. Pass one of these."
        )
    return goal


def _compared(labels: Sequence[str], standings: Sequence[Standing], *, sign: float) -> Outlook:
    readings = {(i, j): read_pair(standings[i], standings[j]) for i, j in combinations(range(len(labels)), 2)}
    pairs = tuple(
        _pair(i, j, reading=reading, evidence=evidence_of((labels[i], standings[i]), (labels[j], standings[j]), basis=reading.basis, sign=sign))
        for (i, j), reading in readings.items()
    )
    likely, probability = _likeliest(len(labels), readings)
    beaten = {pair.worse for pair in pairs if pair.better == likely and pair.outcome is OutlookOutcome.DECIDED}
    is_decided = len(beaten) == len(labels) - 1
    bases = {reading.basis for reading in readings.values()}
    return Outlook(
        outcome=OutlookOutcome.DECIDED if is_decided else OutlookOutcome.CANNOT_TELL,
        best=likely if is_decided else None,
        probability=probability,
        pairs=pairs,
        evidence=pairs[0].evidence if len(pairs) == 1 else summary_of(labels, standings, likely=likely, beaten=len(beaten)),
        not_established=not_established_by(bases, standings, labels),
        action=action_for(bases, standings, labels, best=likely if is_decided else None),
    )


def _pair(one: int, other: int, *, reading: PairReading, evidence: str) -> PairOutlook:
    first_is_better = reading.probability >= COIN_TOSS
    probability = max(reading.probability, 1 - reading.probability)
    return PairOutlook(
        better=one if first_is_better else other,
        worse=other if first_is_better else one,
        probability=probability,
        outcome=OutlookOutcome.DECIDED
        if probability >= DECIDED_FROM and (reading.basis.is_read or reading.basis is Basis.ONE_LOST)
        else OutlookOutcome.CANNOT_TELL,
        evidence=evidence,
    )


def _likeliest(count: int, readings: dict[tuple[int, int], PairReading]) -> tuple[int, float]:
    """Index and probability of the one that most likely beats all of the others: one over one plus the sum of the odds against it."""
    against = [0.0] * count
    for (i, j), reading in readings.items():
        odds = (1 - reading.probability) / reading.probability
        against[i] += odds
        against[j] += 1 / odds
    likely = min(range(count), key=against.__getitem__)
    return likely, 1 / (1 + against[likely])
