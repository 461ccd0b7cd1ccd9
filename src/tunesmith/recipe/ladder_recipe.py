"""Recipe `ladder`: learning rate, momentum, weight decay and length together, by short annealed runs on a ladder of lengths."""

import dataclasses
import math
from dataclasses import dataclass

from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.report_recipe import _NO_RANGE, Found, first_settings
from tunesmith.recipe.stages.rungs import Joint, Ladder, Tried
from tunesmith.recipe.stages.state import rounded
from tunesmith.recipe.stages.sweep import run_bracket, run_sweeps
from tunesmith.settings import Settings

FRACTIONS = (1.0, 0.4, 0.16)
STEP_DOWN = 0.4
DECAYS = (0.1, 3.0)
ADAM_DECAYS = (0.0, 1e-4)
RANGE_SHARE = 0.0625
LOWEST_SHARE = 1 / 16
FEWEST_RUNG_STEPS = 16
OTHER_MOMENTUM = 0.9
LEVEL = 0.01


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """What the ladder ended with.

    Attributes:
        found: Settings and findings, or why there are none.
        total_steps: Length of the plan.
        other: A shorter plan that the search has trained: (settings, updates, its score).
    """

    found: Found
    total_steps: int = 0
    other: tuple[Settings, int, float] | None = None


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
    second = _ranked(ladder.run([tried.joint for tried in first[:2]], steps=rungs[1].steps, valid_examples=rungs[1].valid_examples))
    third = _ranked(ladder.run([second[0].joint], steps=rungs[2].steps, valid_examples=rungs[2].valid_examples))
    top, below = third[0], second[0]
    gained = lab.checked.initial_loss - top.score if lab.task.goal == "loss" else 0.0
    climbs = top.score < below.score - LEVEL * gained
    best = top if top.score <= below.score else below
    lab.progress.message(
        " ".join(f"[{t.steps} {t.joint.lr:.3g} m{t.joint.momentum:g} A{t.joint.decay:.2g} -> {t.score:.4f}]" for t in (*first, *second, *third)) + f" climbs={climbs}"
    )
    ladder.lab.put(dataclasses.replace(ladder.experiment(), verdict="Climbed."))
    steps = full_steps if climbs else best.steps
    plan = ladder.settings_for(best.joint, steps=steps, is_plan=True)
    other = (ladder.settings_for(best.joint, steps=best.steps, is_plan=True), best.steps, best.score) if climbs else None
    found = Found(outcome=StudyOutcome.RECOMMENDED, settings=plan, findings=findings, experiments=(ladder.experiment(),))
    return Climbed(found=found, total_steps=steps, other=other)


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


def _ranked(tried: list[Tried]) -> list[Tried]:
    return sorted(tried, key=lambda one: one.score)


def _lowest_rung(ladder: Ladder, rung: _Rung, limits: Limits, *, largest: float, has_edge: bool, reserve: float) -> list[Tried]:
    lab = ladder.lab
    low, high = ADAM_DECAYS if lab.checked.acts_like == "adam" else DECAYS

    def affordable(joints: list[Joint]) -> list[Joint]:
        count = int((lab.left - reserve) / rung.price)
        return joints[: max(0, count)]

    def run(joints: list[Joint]) -> list[Tried]:
        known = {(one.joint.lr, one.joint.momentum, one.joint.decay) for one in tried}
        new = [joint for joint in dict.fromkeys(joints) if (joint.lr, joint.momentum, joint.decay) not in known]
        new = affordable(new)
        return ladder.run(new, steps=rung.steps, valid_examples=rung.valid_examples) if new else []

    tried: list[Tried] = []
    lrs = [limits.clip("lr", rounded(largest * fraction)) for fraction in FRACTIONS]
    line = [Joint(lr=lr, momentum=ladder.base.momentum, decay=low) for lr in dict.fromkeys(lrs)]
    tried = run(line)
    if not tried:
        return []
    best = min(tried, key=lambda one: one.score)
    if best.joint.lr == min(lrs):
        tried += run([dataclasses.replace(best.joint, lr=limits.clip("lr", rounded(best.joint.lr * STEP_DOWN)))])
    elif best.joint.lr == max(lrs) and not has_edge:
        tried += run([dataclasses.replace(best.joint, lr=limits.clip("lr", rounded(best.joint.lr / STEP_DOWN)))])
    best = min(tried, key=lambda one: one.score)
    sides = []
    if limits.is_free("momentum"):
        sides.append(ladder.equivalent(best.joint, momentum=limits.clip("momentum", OTHER_MOMENTUM)))
    if limits.is_free("weight_decay"):
        sides.append(dataclasses.replace(best.joint, decay=high))
    side = run(sides)
    tried += side
    return _ranked(tried)
