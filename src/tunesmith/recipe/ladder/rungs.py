"""The ladder's runs: joint settings, each as a whole annealed cycle of some length, from the same initial weights and in the same data order."""

import dataclasses
import math
from dataclasses import dataclass

from tunesmith.cost import FORWARD_SHARE
from tunesmith.engine.data import EVALUATION_BATCH_SIZE
from tunesmith.experiment import Arm, Experiment
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.probes.annealed import GradientSampling
from tunesmith.probes.momentum import at_momentum
from tunesmith.reading.goal import score
from tunesmith.reading.joint_choices import LENGTH_EXPONENT
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.lengths import level_of
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import rounded
from tunesmith.settings import Settings
from tunesmith.task import Task

VALIDATION_SHARE = 0.08
"""Of the updates of the second rung's runs, what their evaluation may cost; every run is judged on that slice, so that all can be compared (our choice)."""
SMALLEST_SLICE = 64
NEAR = 0.2
"""Scores of one length and seed that differ by less than this share of what is level count as equal: a fifth of a hundredth of what was learnt (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """One choice of all knobs, told so that it means the same at every length.

    Attributes:
        lr: Peak learning rate at the length of the lowest rung.
        momentum: Largest momentum of the cycle.
        decay: Total decay of a run (METHOD, section 2.5); for Adam, which has none, the weight decay itself.
    """

    lr: float
    momentum: float
    decay: float


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A joint choice at one length, and what came of it.

    Attributes:
        joint: The choice.
        steps: Updates of its runs.
        arms: Its runs, one a seed.
        score: Their mean score, smaller is better; infinite where one did not finish.
    """

    joint: Joint
    steps: int
    arms: tuple[Arm, ...]
    score: float


class Ladder:
    """Turns a joint choice and a length into settings, makes the runs, and remembers them.

    Args:
        lab: Where runs are made.
        limits: What the user fixed or bounded.
        base: Batch size, schedule, and the momenta that learning rates of the sweeps belong to.
        lowest_steps: Updates of the lowest rung.
        slice_steps: Updates of the rung above it: all runs are judged on the validation slice that it can afford.
        earlier: Runs of rungs that were too short to learn anything.
        sampling: Where the first run of each rung above the lowest samples gradients, for the batch size; None where that is not chosen.
    """

    def __init__(
        self,
        *,
        lab: Laboratory,
        limits: Limits,
        base: Settings,
        lowest_steps: int,
        slice_steps: int,
        earlier: tuple[Arm, ...] = (),
        sampling: GradientSampling | None = None,
    ) -> None:
        self.lab = lab
        self.limits = limits
        self.base = base
        self.lowest_steps = lowest_steps
        self.full_steps = lab.task.steps_at(base.batch_size)
        self.sampling = sampling
        self._slice_steps = slice_steps
        self.n_valid = self._make_slice()
        self._tried: dict[tuple[Joint, int], Tried] = {}
        self._under: list[Arm] = []
        self._earlier = earlier

    def raised(self, *, lowest_steps: int) -> "Ladder":
        """A ladder whose lowest rung is longer, with what was run so far for its experiment alone."""
        return Ladder(
            lab=self.lab, limits=self.limits, base=self.base, lowest_steps=lowest_steps, slice_steps=self._slice_steps,
            earlier=self.experiment().arms, sampling=self.sampling,
        )  # fmt: skip

    def settings_for(self, joint: Joint, *, steps: int, is_plan: bool = False) -> Settings:
        """The choice as settings of a run of `steps`: the peak like length^-1/4, the weight decay from the total decay.

        What the user fixed or bounded holds for the plan; a shorter run takes the total decay that a full training would have within the bounds.
        """
        carried = joint.lr * (self.lowest_steps / steps) ** LENGTH_EXPONENT
        lr = self.limits.clip("lr", rounded(carried))
        low = None if self.base.min_momentum is None else max(0.0, round(joint.momentum - (self.base.momentum - self.base.min_momentum), 6))
        settings = dataclasses.replace(self.base, lr=lr, min_lr=None, momentum=joint.momentum, min_momentum=low)
        planned = steps if is_plan else self.full_steps
        unit = self.lab.unit_decay(settings, total_steps=planned)
        decay = self.limits.clip("weight_decay", rounded(joint.decay / unit))
        if planned != steps:
            decay = decay * unit / self.lab.unit_decay(settings, total_steps=steps)
        return dataclasses.replace(settings, weight_decay=decay)

    def at_momentum(self, joint: Joint, momentum: float) -> Joint:
        """The choice at another momentum, at the learning rate that moves the weights as far."""
        here = dataclasses.replace(self.settings_for(joint, steps=self.lowest_steps), lr=joint.lr, min_lr=None)
        momentum = self.limits.clip("momentum", momentum)
        moved = at_momentum(here, momentum, optimizer_name=self.lab.checked.acts_like)
        return dataclasses.replace(joint, lr=self.limits.clip("lr", moved.lr), momentum=momentum)

    def price(self, steps: int) -> float:
        """Of a run, in examples forward and backward, its evaluation included."""
        return steps * self.base.batch_size + FORWARD_SHARE * (self.n_valid + self.lab.norm_examples(self.base.batch_size))

    @property
    def sampling_price(self) -> float:
        """What gradient samples add to the price of a run that takes them."""
        return 0.0 if self.sampling is None else self.sampling.examples

    def affordable(self, *, steps: int, reserve: float = 0.0) -> int:
        """How many runs of `steps` the budget has, `reserve` examples left over."""
        return max(0, int((self.lab.left - reserve) / self.price(steps)))

    def run(self, joints: list[Joint], *, steps: int, reserve: float = 0.0, repeat: int = 0, samples: bool = False) -> list[Tried]:
        """One annealed run of each choice, as many as the budget has; those that were made already cost nothing.

        Args:
            joints: The choices, the most important first.
            steps: Updates of each run.
            reserve: Examples that must be left over.
            repeat: Which seed: what runs of one seed share cancels in a comparison.
            samples: Whether the first of them samples gradients, where a batch size is to be chosen and the budget pays for it.
        """
        seed = self.lab.search_seed(repeat)
        new = self._unlike([joint for joint in dict.fromkeys(joints) if seed not in self._seeds_of(joint, steps)], steps=steps, seed=seed)
        new = new[: self.affordable(steps=steps, reserve=reserve)]
        if new:
            candidates = [self._candidate(joint, steps) for joint in new]
            can_sample = samples and self.lab.left - reserve >= len(new) * self.price(steps) + self.sampling_price
            made = annealed_runs(
                self.lab.task, candidates, probe="ladder", seed=seed, valid_examples=self.n_valid,
                sampled={} if self.sampling is None or not can_sample else {candidates[0].label: self.sampling}, execute=self.lab.executor("search"),
            )  # fmt: skip
            for joint, arm in zip(new, made.arms, strict=True):
                before = self._tried.get((joint, steps))
                self._remember(joint, steps, arms=(*(before.arms if before else ()), arm))
        return [self._tried[joint, steps] for joint in dict.fromkeys(joints) if (joint, steps) in self._tried]

    def run_under(self, name: str, task: Task, joint: Joint, *, steps: int) -> tuple[Arm, float]:
        """One annealed run of a choice under a condition of the task, on the first seed, and its score."""
        candidate = self._candidate(joint, steps)
        made = annealed_runs(
            task, [dataclasses.replace(candidate, label=f"under '{name}': {candidate.label}")], probe="ladder", condition=name,
            seed=self.lab.search_seed(0), valid_examples=self.n_valid, execute=self.lab.executor("search"),
        )  # fmt: skip
        (arm,) = made.arms
        self._under.append(arm)
        return arm, self.score_of(arm)

    def learnt(self, best: Tried) -> float:
        """From the loss of an untrained network to that of a run: what tolerances are shares of; 0 where the goal is a metric."""
        return max(0.0, self.lab.checked.initial_loss - best.score) if self.lab.task.goal == "loss" and math.isfinite(best.score) else 0.0

    def level(self, best: Tried) -> float:
        """By how much scores of two lengths may differ and still count as level."""
        return level_of(best.score, goal=self.lab.task.goal, initial_loss=self.lab.checked.initial_loss, n_valid=self.n_valid)

    def near(self, best: Tried) -> float:
        """By how much scores of one length may differ and still count as equal."""
        return NEAR * self.level(best)

    def careful(self, tried: list[Tried]) -> Tried:
        """The best; of those that count as equal the one with more decay, then with the smaller step: a setting at the brink loses to one a step back."""
        best = min(tried, key=lambda one: one.score)
        near = [one for one in tried if one.score <= best.score + self.near(best)]
        return min(near, key=lambda one: (-one.joint.decay, one.joint.lr / (1 - one.joint.momentum)))

    def tried(self, steps: int | None = None) -> list[Tried]:
        """What was run, at one length or at all, the best first."""
        return sorted((one for one in self._tried.values() if steps in (None, one.steps)), key=lambda one: one.score)

    def experiment(self) -> Experiment:
        """Every run so far; those under a condition are the last."""
        return Experiment(probe="ladder", arms=(*self._earlier, *(arm for one in self._tried.values() for arm in one.arms), *self._under))

    def _seeds_of(self, joint: Joint, steps: int) -> set[int]:
        tried = self._tried.get((joint, steps))
        return {arm.run.spec.seed for arm in tried.arms} if tried else set()

    def _unlike(self, joints: list[Joint], *, steps: int, seed: int) -> list[Joint]:
        """Those that make a run of their own: bounds may turn two choices into one."""
        made = {arm.run.spec.settings for (_, length), one in self._tried.items() if length == steps for arm in one.arms if arm.run.spec.seed == seed}
        kept: dict[Settings, Joint] = {}
        for joint in joints:
            kept.setdefault(self.settings_for(joint, steps=steps), joint)
        return [joint for settings, joint in kept.items() if settings not in made]

    def _remember(self, joint: Joint, steps: int, *, arms: tuple[Arm, ...]) -> None:
        scores = [self.score_of(arm) for arm in arms]
        self._tried[joint, steps] = Tried(joint=joint, steps=steps, arms=arms, score=sum(scores) / len(scores))

    def score_of(self, arm: Arm) -> float:
        """Of one run, smaller is better."""
        return score(arm.run.curve, goal=self.lab.task.goal, higher_is_better=self.lab.task.goal_is_higher_better)

    def _candidate(self, joint: Joint, steps: int) -> Candidate:
        settings = self.settings_for(joint, steps=steps)
        label = f"{steps} updates, lr {settings.lr:.3g}, momentum {joint.momentum:g}, weight decay {settings.weight_decay:.2g}"
        return Candidate(label=label, value=settings.lr, settings=settings, total_steps=steps)

    def _make_slice(self) -> int:
        allowed = VALIDATION_SHARE * self._slice_steps * self.base.batch_size / FORWARD_SHARE - self.lab.norm_examples(self.base.batch_size)
        size = int(min(self.lab.checked.n_valid, max(SMALLEST_SLICE, allowed)))
        unit = 1 if self.lab.task.n_valid is not None else EVALUATION_BATCH_SIZE  # a batch maker gives whole batches
        return size - size % unit if size > unit else size
