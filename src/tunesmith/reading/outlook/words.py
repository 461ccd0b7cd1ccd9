"""What a comparison of curves rests on, in sentences."""

from collections import Counter
from collections.abc import Sequence

from tunesmith.log import TrainingLog
from tunesmith.reading.outlook.pair import DIFFERENT_FIRST, Basis
from tunesmith.reading.outlook.standing import ANNEALED, FEWEST, Measure, Standing

_WORTH_SAYING = 0.1
_MOST_NAMED = 3
"""Curves that a sentence names (our choice); of more, the rest is counted."""


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
            return f"{one[0]} has {one[1].n} values of the {one[1].compared} and {other[0]} {other[1].n}; a comparison begins at {FEWEST}."
        case Basis.NO_FALL:
            return f"Neither the {one[1].compared} of {one[0]} nor that of {other[0]} has improved since its start."
        case Basis.DIFFERENT_KINDS:
            return _differ(one, other)
        case Basis.BOTH_LOST:
            return f"Both {one[0]} and {other[0]} are lost: they end in values that are not finite, or far above their start."
        case Basis.ONE_LOST:
            lost, kept = pair if one[1].is_lost else (other, one)
            return f"{lost[0]} is lost: it ends in a value that is not finite, or far above its start; {kept[0]} is not."
        case _:
            return f"{_stands(one, sign)}; {_stands(other, sign)}." + _also(pair, basis)


def summary_of(labels: Sequence[str], standings: Sequence[Standing], *, likely: int, beaten: int) -> str:
    """What the pairs come to.

    Example:
        >>> run = Standing(n=9, measure=Measure.VALIDATION_LOSS, level=0.5, drop=1.5, heat=0.2)
        >>> summary_of(["a", "b", "c"], [run] * 3, likely=1, beaten=1)
        'Of 3 curves, compared by validation loss, b most likely ends best: it is clearly better than 1 of the other 2.'
    """
    compared = next((run.compared for run in standings if run.measure is not Measure.NOTHING), "")
    by = f", compared by {compared}," if compared else ""
    others = len(labels) - 1
    if beaten == 0:
        return f"Of {len(labels)} curves{by} {labels[likely]} leads, but is clearly better than none of the others."
    than = f"all of the other {others}" if beaten == others else f"{beaten} of the other {others}"
    return f"Of {len(labels)} curves{by} {labels[likely]} most likely ends best: it is clearly better than {than}."


def named(labels: Sequence[str]) -> str:
    """Curves in a sentence: at most three of them, and how many more.

    Example:
        >>> named(["a"]), named(["a", "b", "c"]), named(list("abcdefg"))
        ('a', 'a, b and c', 'a, b, c and 4 others')
    """
    shown = list(labels) if len(labels) <= _MOST_NAMED + 1 else [*labels[:_MOST_NAMED], f"{len(labels) - _MOST_NAMED} others"]
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def not_established_by(bases: set[Basis], standings: Sequence[Standing], labels: Sequence[str]) -> str:
    """What the comparison does not show."""
    said = ["How other seeds of these settings would end: one curve does not show the spread between seeds."]
    if Basis.CUT in bases:
        said.append("How much each still gains from annealing: a loss at a high learning rate does not rank (the curves may cross).")
    if Basis.REHEARSAL in bases:
        said.append("Whether a longer training of the same settings overfits.")
    unknown = [label for label, run in zip(labels, standings, strict=True) if not run.heat_is_known]
    if unknown:
        said.append(f"How far {named(unknown)} {'is' if len(unknown) == 1 else 'are'} in the schedule: the log does not have two learning rates or more.")
    if any(run.measure is Measure.TRAINING_LOSS for run in standings):
        said.append("Anything about new data: the training loss alone was compared.")
    return " ".join(said)


def action_for(bases: set[Basis], standings: Sequence[Standing], labels: Sequence[str], *, best: int | None) -> str:
    """The cheapest thing that brings the answer nearer."""
    if best is not None:
        return f"Go on with {labels[best]}."
    if bases & {Basis.NOTHING_COMMON, Basis.DIFFERENT_KINDS}:
        return "Record the same loss on the same validation data for each of them."
    if any(run.n < FEWEST for run in standings):
        return f"Train on until each has {FEWEST} values or more."
    running = [label for label, run in zip(labels, standings, strict=True) if not run.is_lost and not run.is_annealed]
    if not running:
        return "Repeat the candidates on another seed, or take the cheaper one."
    return f"Let {named(running)} anneal: lower the learning rate to zero over a short stretch, then compare again."


def _has(one: tuple[str, Standing]) -> str:
    return f"{one[0]} has {one[1].compared}"


def _differ(one: tuple[str, Standing], other: tuple[str, Standing]) -> str:
    low, high = sorted((one, other), key=lambda run: run[1].level)
    return (
        f"{one[0]} begins at {one[1].first:.3g} and {other[0]} at {other[1].first:.3g} ({one[1].compared}): first losses that differ by more than a factor of "
        f"{DIFFERENT_FIRST:g} may be losses of different kinds, which do not rank. If they are of one kind, {low[0]} stands lower now "
        f"({low[1].level:.3g} against {high[1].level:.3g})."
    )


def _stands(one: tuple[str, Standing], sign: float) -> str:
    label, run = one
    return f"{label} stands at {sign * run.level:.3g} ({run.compared}), {_phase(run)}"


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
