"""How well a reading answers runs whose answer is known: how often it decides, how often it is then right, how often it is sure and wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from benchmarks.clues.rows import curve_of
from benchmarks.proof.cache import Row
from tunesmith.curve import Curve
from tunesmith.finding import CONFIDENT
from tunesmith.reading.clues import knobs_of, read_clues

ABSTAINS = ("too_noisy", "cannot_tell")
"""Verdicts that decide nothing, unless they are the right one."""
LEAST_CONFIDENCE = 0.5
"""With less than this a verdict decides nothing."""
_CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a reading says of one curve.

    Attributes:
        name: One of `kind.VERDICTS`, or "cannot_tell".
        confidence: 0 to 1.
        since_step: Update at which it begins; None where the reading does not say.
        knobs: Knob → "raise" or "lower", where the reading says which way.
    """

    name: str
    confidence: float
    since_step: int | None = None
    knobs: tuple[tuple[str, str], ...] = ()


Reader = Callable[[Curve], Verdict]


def read_today(curve: Curve) -> Verdict:
    """What `tunesmith.reading.clues` says now: the first of its findings. Its kinds are verdicts already."""
    first = read_clues(curve)[0]
    return Verdict(name=first.kind, confidence=first.confidence, since_step=first.since_step, knobs=knobs_of(first.kind))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One run and what was read from it.

    Attributes:
        kind, half, accepted, since: As in the row.
        bed, seed: Which run.
        verdict: What was read.
    """

    kind: str
    bed: str
    seed: int
    half: str
    accepted: tuple[str, ...]
    since: tuple[int, int] | None
    knobs: dict[str, str]
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether the verdict is among the accepted."""
        return self.verdict.name in self.accepted

    @property
    def is_best(self) -> bool:
        """Whether the verdict is the best of the accepted."""
        return self.verdict.name == self.accepted[0]

    @property
    def is_decided(self) -> bool:
        """Whether it says something: at least half sure, and no abstention unless to abstain is right (then any confidence will do)."""
        if self.verdict.name in ABSTAINS:
            return self.is_right
        return self.verdict.confidence >= LEAST_CONFIDENCE

    @property
    def is_confidently_wrong(self) -> bool:
        """Whether it is sure of a verdict that is not accepted; an abstention is never wrong."""
        return self.verdict.name not in ABSTAINS and self.verdict.confidence >= CONFIDENT and not self.is_right

    @property
    def is_in_time(self) -> bool | None:
        """Whether the clue begins where it must; None where nobody knows, the reading is not right, or it says no step."""
        if self.since is None or not self.is_right or self.verdict.since_step is None:
            return None
        return self.since[0] <= self.verdict.since_step <= self.since[1]

    @property
    def points_right(self) -> bool | None:
        """Whether the knobs that it names go the right way; None where the two have none in common."""
        common = [(knob, way) for knob, way in self.verdict.knobs if knob in self.knobs]
        return None if not common else all(self.knobs[knob] == way for knob, way in common)


def answer(key: Row, row: Row, *, read: Reader) -> Answer:
    """Read one row."""
    return Answer(
        kind=key["kind"],
        bed=key["bed"],
        seed=key["seed"],
        half=row["half"],
        accepted=tuple(row["accepted"]),
        since=None if row["since"] is None else (row["since"][0], row["since"][1]),
        knobs=row["knobs"],
        verdict=read(curve_of(row)),
    )


@dataclass(frozen=True, kw_only=True)
class Score:
    """Shares of some runs; None where there is nothing to take a share of.

    Attributes:
        n: Runs.
        decided: Share of them.
        right, best: Of those decided, accepted, and the best of the accepted.
        confidently_wrong: Of all.
        in_time: Of those whose beginning is known and that were read right with a step.
        knobs_right: Of those that name a knob whose direction is known.
        verdicts: How often each.
    """

    n: int
    decided: float | None
    right: float | None
    best: float | None
    confidently_wrong: float | None
    in_time: float | None
    knobs_right: float | None
    verdicts: dict[str, int]


def score(answers: Sequence[Answer]) -> Score:
    """The shares.

    Example:
        >>> made_up = dict(kind="k", bed="b", half="fit", accepted=("overfitting",), since=None, knobs={})
        >>> verdicts = [Verdict(name="overfitting", confidence=0.9), Verdict(name="balanced", confidence=0.6), Verdict(name="too_noisy", confidence=0.9)]
        >>> found = score([Answer(seed=seed, verdict=verdict, **made_up) for seed, verdict in enumerate(verdicts)])
        >>> round(found.decided, 2), found.right, found.confidently_wrong
        (0.67, 0.5, 0.0)
    """
    decided = [one for one in answers if one.is_decided]
    return Score(
        n=len(answers),
        decided=_share(one.is_decided for one in answers),
        right=_share(one.is_right for one in decided),
        best=_share(one.is_best for one in decided),
        confidently_wrong=_share(one.is_confidently_wrong for one in answers),
        in_time=_share(one.is_in_time for one in answers if one.is_in_time is not None),
        knobs_right=_share(one.points_right for one in answers if one.points_right is not None),
        verdicts=dict(Counter(one.verdict.name for one in answers).most_common()),
    )


def _share(holds: Iterable[bool | None]) -> float | None:
    values = list(holds)
    return sum(map(bool, values)) / len(values) if values else None


def document(answers: Sequence[Answer]) -> dict[str, object]:
    """All scores as JSON has it: of each half, each kind, each bed."""
    halves = {half: score([one for one in answers if one.half == half]) for half in sorted({one.half for one in answers})}
    kinds = {kind: score([one for one in answers if one.kind == kind]) for kind in dict.fromkeys(one.kind for one in answers)}
    beds = {bed: score([one for one in answers if one.bed == bed]) for bed in dict.fromkeys(one.bed for one in answers)}
    return {name: {key: asdict(one) for key, one in part.items()} for name, part in (("halves", halves), ("kinds", kinds), ("beds", beds))}


def table(answers: Sequence[Answer]) -> str:
    """The same as Markdown, with what is sure and wrong."""
    lines = [
        "# Verdicts on runs whose answer is known",
        "",
        "`decided`: at least half sure, and no abstention unless that is right. `right`, `best`: of those decided, accepted, and the first of the accepted.",
        "`sure and wrong`: of all, at .8 or more. `in time`: begins where the construction says. `knobs`: those that the reading names go the right way.",
        "",
        "| half | runs | decided | right | best | sure and wrong | in time | knobs |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(half, score([one for one in answers if one.half == half]), digits=3) for half in sorted({one.half for one in answers})),
    ]
    for half in sorted({one.half for one in answers}):
        here = [one for one in answers if one.half == half]
        lines += ["", f"## Kinds of the half `{half}`", "", "| kind | accepted | runs | decided | right | best | sure and wrong | in time | knobs | verdicts |"]
        lines += ["|---|---|---|---|---|---|---|---|---|---|"]
        for kind in dict.fromkeys(one.kind for one in here):
            group = [one for one in here if one.kind == kind]
            found = score(group)
            verdicts = ", ".join(f"{name} {count}" for name, count in found.verdicts.items())
            lines.append(_row(f"{kind} | {', '.join(group[0].accepted)}", found) + f" {verdicts} |")
    lines += [
        "",
        "## Does a confidence come true? Share of verdicts that are right, of those stated with it",
        "",
        "| half | stated | n | right |",
        "|---|---|---|---|",
    ]
    lines += [f"| {half} | {low:.1f} to {high:.1f} | {n} | {right:.2f} |" for half, low, high, n, right in reliability(answers)]
    wrong = Counter((one.kind, one.bed, one.verdict.name) for one in answers if one.is_confidently_wrong)
    lines += ["", f"## Sure and wrong: {wrong.total()} runs", ""]
    lines += [f"- {kind} on {bed}: {name}, {count}" for (kind, bed, name), count in wrong.items()]
    return "\n".join(lines) + "\n"


def reliability(answers: Sequence[Answer]) -> list[tuple[str, float, float, int, float]]:
    """(half, lowest and highest confidence, how many verdicts, share of them that is right), abstentions left out; without empty rows."""
    found: list[tuple[str, float, float, int, float]] = []
    for half in sorted({one.half for one in answers}):
        for low, high in pairwise(_CONFIDENCES):
            chosen = [one for one in answers if one.half == half and one.verdict.name not in ABSTAINS and low <= one.verdict.confidence < high]
            if chosen:
                found.append((half, low, min(high, 1.0), len(chosen), sum(one.is_right for one in chosen) / len(chosen)))
    return found


def _row(name: str, one: Score, *, digits: int = 2) -> str:
    shares = (one.decided, one.right, one.best, one.confidently_wrong, one.in_time, one.knobs_right)
    return f"| {name} | {one.n} | " + " | ".join("-" if share is None else f"{share:.{digits}f}" for share in shares) + " |"
