"""Recipe `ladder`: learning rate, momentum, weight decay and length together, by short annealed runs on a ladder of lengths."""

import dataclasses
import math
import statistics
from dataclasses import dataclass

from tunesmith.curve import Curve
from tunesmith.plan import StudyOutcome
from tunesmith.recipe.confirming import Lengths
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.report_recipe import _NO_RANGE, Found, first_settings
from tunesmith.recipe.stages.rungs import Joint, Ladder, Tried
from tunesmith.recipe.stages.state import rounded
from tunesmith.recipe.stages.sweep import run_bracket, run_sweeps

FRACTIONS = (1.0, 0.4, 0.16)
STEP_DOWN = 0.4
DECAYS = (0.1, 1.0)
ADAM_DECAYS = (0.0, 1e-4)
RANGE_SHARE = 0.0625
LOWEST_SHARE = 1 / 16
FEWEST_RUNG_STEPS = 16
OTHER_MOMENTUM = 0.9
LEVEL = 0.01
NEAR = 0.002
LOOMING = 1 / 2


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """What the ladder ended with.

    Attributes:
        found: Settings and findings, or why there are none.
        total_steps: Length of the plan.
        lengths: The plan's other lengths.
    """

    found: Found
    total_steps: int = 0
    lengths: Lengths | None = None


def climb(lab: Laboratory, limits: Limits, *, batch_size: int) -> Climbed:
    settings = first_settings(lab, limits, batch_size=batch_size)
    full_steps = lab.task.steps_at(batch_size)
    largest, has_edge, findings = limits.clip("lr", settings.lr), False, ()
    if limits.is_free("lr"):
        _, end_lr = run_bracket(lab, settings)
        _, reading = run_sweeps(lab, settings, end_lr=end_lr, share=RANGE_SHARE)
        findings = reading.findings
        if reading.largest_lr is None:
            return Climbed(found=Found(outcome=StudyOutcome.ABSTAINED, findings=findings, advice=(_NO_RANGE[reading.outcome],)))
        largest, has_edge = limits.clip("lr", reading.largest_lr), reading.edge is not None
    lowest = max(FEWEST_RUNG_STEPS, round(LOWEST_SHARE * min(1.0, lab.budget) * full_steps))
    ladder = Ladder(lab=lab, limits=limits, base=settings, lowest_steps=lowest)
    rungs = [_Rung(ladder=ladder, steps=min(full_steps, lowest * 2**i)) for i in range(3)]
    reserve = rungs[1].price * 2 + rungs[2].price
    first = _lowest_rung(ladder, rungs[0], limits, largest=largest, has_edge=has_edge, reserve=reserve)
    if not first or not math.isfinite(first[0].score):
        return Climbed(found=Found(outcome=StudyOutcome.BUDGET_SPENT, findings=findings, advice=("x",)))
    joints = [first[0].joint] + [one.joint for one in first if not _is_alike(one.joint, first[0].joint)][:1]
    count = max(1, int((lab.left - rungs[2].price) / rungs[1].price))
    second = _ranked(ladder.run(joints[:count], steps=rungs[1].steps, valid_examples=rungs[1].valid_examples))
    chosen = _step_back(lab, second)
    third = _ranked(ladder.run([chosen.joint], steps=rungs[2].steps, valid_examples=rungs[2].valid_examples))
    top = third[0]
    climbs = top.score < chosen.score - LEVEL * _gained(lab, top)
    best = top if top.score < chosen.score - NEAR * _gained(lab, top) else chosen
    looms = chosen.score - top.score < LOOMING * (_trained_to(chosen.arms[0].run.curve) - _trained_to(top.arms[0].run.curve))
    if lab.left > rungs[0].price:
        count = int(lab.left / rungs[0].price)
        ladder.run([one.joint for one in first[: min(2, count)]], steps=rungs[0].steps, valid_examples=rungs[0].valid_examples, repeat=1)
    lab.progress.message(
        " ".join(f"[{t.steps} {t.joint.lr:.3g} m{t.joint.momentum:g} A{t.joint.decay:.2g} -> {t.score:.4f}]" for t in (*first, *second, *third)) + f" {climbs=} {looms=}"
    )
    ladder.lab.put(dataclasses.replace(ladder.experiment(), verdict="Climbed."))
    lengths = [best.steps]
    if climbs:
        lengths = [min(full_steps, 2 * best.steps), full_steps] if looms else [full_steps]
    plans = [ladder.settings_for(best.joint, steps=steps, is_plan=True) for steps in (best.steps, *lengths)]
    found = Found(outcome=StudyOutcome.RECOMMENDED, settings=plans[1], findings=findings, experiments=(ladder.experiment(),))
    lengths_tried = Lengths(
        shorter=(plans[0], best.steps) if climbs else None,
        longer=(plans[2], full_steps) if len(plans) > 2 else None,
        score=best.score,
        fall=LEVEL * _gained(lab, best),
    )
    return Climbed(found=found, total_steps=lengths[0], lengths=lengths_tried)


def _is_alike(one: Joint, other: Joint) -> bool:
    """Whether two choices move the weights about as far: then a rung learns little from having both."""
    return max(one.lr, other.lr) <= 1.5 * min(one.lr, other.lr) and one.decay == other.decay


@dataclass(frozen=True, kw_only=True)
class _Rung:
    ladder: Ladder
    steps: int

    @property
    def valid_examples(self) -> int:
        return self.ladder.slice_at(self.steps)

    @property
    def price(self) -> float:
        return self.ladder.price(steps=self.steps, valid_examples=self.valid_examples)


def _gained(lab: Laboratory, best: Tried) -> float:
    return max(0.0, lab.checked.initial_loss - best.score) if lab.task.goal == "loss" else 0.0


def _trained_to(curve: Curve) -> float:
    return statistics.fmean(curve.train_loss[-max(8, len(curve.train_loss) // 20) :])


def _ranked(tried: list[Tried]) -> list[Tried]:
    return sorted(tried, key=lambda one: one.score)


def _step_back(lab: Laboratory, tried: list[Tried]) -> Tried:
    best = min(tried, key=lambda one: one.score)
    near = [one for one in tried if one.score <= best.score + NEAR * _gained(lab, best)]
    return min(near, key=lambda one: (-one.joint.decay, one.joint.lr / (1 - one.joint.momentum)))


def _lowest_rung(ladder: Ladder, rung: _Rung, limits: Limits, *, largest: float, has_edge: bool, reserve: float) -> list[Tried]:
    lab = ladder.lab
    low, high = ADAM_DECAYS if lab.checked.acts_like == "adam" else DECAYS
    tried: list[Tried] = []

    def run(joints: list[Joint]) -> list[Tried]:
        known = {one.joint for one in tried}
        new = [joint for joint in dict.fromkeys(joints) if joint not in known]
        new = new[: max(0, int((lab.left - reserve) / rung.price))]
        return ladder.run(new, steps=rung.steps, valid_examples=rung.valid_examples) if new else []

    lrs = [limits.clip("lr", rounded(largest * fraction)) for fraction in FRACTIONS]
    tried = run([Joint(lr=lr, momentum=ladder.base.momentum, decay=low) for lr in dict.fromkeys(lrs)])
    if not tried:
        return []
    best = min(tried, key=lambda one: one.score)
    if best.joint.lr == min(lrs):
        tried += run([dataclasses.replace(best.joint, lr=limits.clip("lr", rounded(best.joint.lr * STEP_DOWN)))])
    elif best.joint.lr == max(lrs) and not has_edge:
        tried += run([dataclasses.replace(best.joint, lr=limits.clip("lr", rounded(best.joint.lr / STEP_DOWN)))])
    best = min(tried, key=lambda one: one.score)
    if limits.is_free("momentum"):
        tried += run([ladder.equivalent(best.joint, momentum=limits.clip("momentum", OTHER_MOMENTUM))])
    if limits.is_free("weight_decay"):
        tried += run([dataclasses.replace(min(tried, key=lambda one: one.score).joint, decay=high)])
    return _ranked(tried)
