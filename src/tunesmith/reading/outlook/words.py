"""What a comparison of curves rests on, in sentences."""

from collections import Counter
from collections.abc import Sequence

from tunesmith.log import TrainingLog
from tunesmith.reading.outlook.pair import Basis
from tunesmith.reading.outlook.standing import ANNEALED, FEWEST, Standing

_WORTH_SAYING = 0.1


def labels_of(logs: Sequence[TrainingLog]) -> list[str]:
    """The logs' names, with a number where two share one.

    Example:
        >>> from tunesmith.log import StepUnit, TrainingLog
        >>> labels_of([TrainingLog(name=name, source="CSV", step_unit=StepUnit.STEP) for name in ("a.csv", "b.csv", "a.csv")])
        ['a.csv (no. 1)', 'b.csv', 'a.csv (no. 3)']
    """
    times = Counter(log.name for log in logs)
    return [log.name if times[log.name] == 1 else f"{log.name} (no. {number})" for number, log in enumerate(logs, start=1)]


def evidence_of(one: tuple[str, Standing], other: tuple[str, Standing], *, basis: Basis, sign: float) -> str:
    """What was compared. `sign` is -1 where standings were turned over."""
    pair = (one, other)
    match basis:
        case Basis.NOTHING_COMMON:
            return f"{_has(one)}, {_has(other)}: there is nothing to compare."
        case Basis.TOO_FEW:
            return f"{one[0]} has {one[1].n} values of the {one[1].source} and {other[0]} {other[1].n}; a comparison begins at {FEWEST}."
        case Basis.NO_FALL:
            return f"Neither the {one[1].source} of {one[0]} nor that of {other[0]} has improved since its start."
        case Basis.BOTH_LOST:
            return f"Both {one[0]} and {other[0]} are lost: they end in values that are not finite, or far above their start."
        case Basis.ONE_LOST:
            lost, kept = pair if one[1].is_lost else (other, one)
            return f"{lost[0]} is lost: it ends in a value that is not finite, or far above its start; {kept[0]} is not."
        case _:
            return f"{_stands(one, sign)}; {_stands(other, sign)}." + _also(pair, basis)


def summary_of(labels: Sequence[str], *, likely: int, beaten: int) -> str:
    """What the pairs come to."""
    return f"Of {len(labels)} curves {labels[likely]} is the likeliest to end best; it is told from {beaten} of the {len(labels) - 1} others."


def not_established_by(bases: set[Basis], standings: Sequence[Standing]) -> str:
    """What the comparison does not show."""
    said = ["How other seeds of these settings would end: one curve does not show the spread between seeds."]
    if Basis.CUT in bases:
        said.append("How much each still gains from annealing: a loss at a high learning rate does not rank (the curves may cross).")
    if Basis.REHEARSAL in bases:
        said.append("Whether a longer training of the same settings overfits.")
    if not all(run.heat_is_known for run in standings):
        said.append("Where in their schedules the curves stand: a log without learning rates does not say.")
    if any(run.source == "training loss" for run in standings):
        said.append("Anything about new data: the training loss alone was compared.")
    return " ".join(said)


def action_for(standings: Sequence[Standing], labels: Sequence[str], *, best: int | None) -> str:
    """The cheapest thing that brings the answer nearer."""
    if best is not None:
        return f"Go on with {labels[best]}."
    if not all(run.source for run in standings):
        return "Record the same loss on the same validation data for each of them."
    if any(run.n < FEWEST for run in standings):
        return f"Train on until each has {FEWEST} values or more."
    running = [label for label, run in zip(labels, standings, strict=True) if not run.is_lost and not run.is_annealed]
    if not running:
        return "Repeat the candidates on another seed, or take the cheaper one."
    return f"Let {' and '.join(running)} anneal: lower the learning rate to zero over a short stretch, then compare again."


def _has(one: tuple[str, Standing]) -> str:
    return f"{one[0]} has {one[1].source or 'nothing of the kind'}"


def _stands(one: tuple[str, Standing], sign: float) -> str:
    label, run = one
    return f"{label} stands at {sign * run.level:.3g} ({run.source}), {_phase(run)}"


def _phase(run: Standing) -> str:
    if run.is_complete:
        return "its training complete"
    if not run.heat_is_known:
        return "its learning rate unknown"
    if run.heat <= ANNEALED:
        return "its learning rate annealed"
    return "its learning rate at its peak" if run.heat >= 1 else f"its learning rate at {run.heat:.0%} of its peak"


def _also(pair: tuple[tuple[str, Standing], tuple[str, Standing]], basis: Basis) -> str:
    drop = max(run.drop for _, run in pair)
    said: list[str] = []
    if basis is Basis.REHEARSAL:
        said += [f"the validation loss of {label} is {run.gap:.3g} above its training loss" for label, run in pair if run.gap > _WORTH_SAYING * drop]
        said += [f"{label} rose by {run.roughness:.3g} on its way" for label, run in pair if run.roughness > _WORTH_SAYING * drop]
        said += [f"{label} has a training loss far above its validation loss and may yet memorise" for label, run in pair if -run.gap > _WORTH_SAYING * drop]
        better = min(pair, key=lambda one: one[1].level)[0]
        now = f" As the two runs are, {better} stands better; the probability is for these settings in a training that may be longer."
        return (f" Also: {'; '.join(said)}." if said else "") + (now if pair[0][1].level != pair[1][1].level else "")
    return ""
