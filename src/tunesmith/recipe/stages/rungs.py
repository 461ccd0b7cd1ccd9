"""A rung of the ladder: joint settings, each as a whole annealed cycle of one length, from the same initial weights and in the same data order."""

import dataclasses
from dataclasses import dataclass, field

from tunesmith.cost import FORWARD_SHARE
from tunesmith.experiment import Arm, Experiment
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.probes.momentum import at_momentum
from tunesmith.reading.goal import score
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import rounded
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings

LENGTH_EXPONENT = 0.25
"""The best peak of an annealed run falls like its length to minus this power: the exponent of recipe `report`, where its sources are."""
VALIDATION_SHARE = 0.15
"""Share of a run's price that its evaluation may take (our choice)."""
SMALLEST_SLICE = 64


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
    """A joint choice and what came of it.

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


@dataclass
class Ladder:
    """What turns a joint choice and a length into settings, and makes the runs.

    Attributes:
        lab: Where runs are made.
        limits: What the user fixed or bounded.
        base: Batch size, schedule, and the momentum that learning rates belong to.
        lowest_steps: Updates of the lowest rung.
        arms: Every run so far, for the study and its report.
    """

    lab: Laboratory
    limits: Limits
    base: Settings
    lowest_steps: int
    arms: list[Arm] = field(default_factory=list)

    @property
    def full_steps(self) -> int:
        """Updates of a full training."""
        return self.lab.task.steps_at(self.base.batch_size)

    def settings_for(self, joint: Joint, *, steps: int, is_plan: bool = False) -> Settings:
        """The choice as settings of a run of `steps`: the peak like length^-1/4, the weight decay from the total decay.

        What the user fixed or bounded holds for the plan; a shorter run takes the total decay that a full training would have within the bounds.
        """
        carried = joint.lr * (self.lowest_steps / steps) ** LENGTH_EXPONENT if self.limits.is_free("lr") else joint.lr
        lr = self.limits.clip("lr", rounded(carried))
        low = None if self.base.min_momentum is None else max(0.0, round(joint.momentum - (self.base.momentum - self.base.min_momentum), 6))
        settings = dataclasses.replace(self.base, lr=lr, min_lr=None, momentum=joint.momentum, min_momentum=low)
        planned = steps if is_plan else self.full_steps
        decay = self.limits.clip("weight_decay", rounded(joint.decay / self._unit(settings, steps=planned)))
        return dataclasses.replace(settings, weight_decay=decay * self._unit(settings, steps=planned) / self._unit(settings, steps=steps))

    def equivalent(self, joint: Joint, *, momentum: float) -> Joint:
        """The choice at another momentum, at the learning rate that moves the weights as far."""
        here = self.settings_for(joint, steps=self.lowest_steps)
        moved = at_momentum(dataclasses.replace(here, lr=joint.lr), momentum, optimizer_name=self.lab.checked.acts_like)
        return dataclasses.replace(joint, lr=self.limits.clip("lr", moved.lr), momentum=momentum)

    def price(self, *, steps: int, valid_examples: int) -> float:
        """Of a run, in examples forward and backward, its evaluation included."""
        return steps * self.base.batch_size + FORWARD_SHARE * (valid_examples + self.lab.norm_examples(self.base.batch_size))

    def slice_at(self, steps: int) -> int:
        """Validation examples that a run of `steps` can afford."""
        allowed = VALIDATION_SHARE * steps * self.base.batch_size / FORWARD_SHARE - self.lab.norm_examples(self.base.batch_size)
        return int(min(self.lab.checked.n_valid, max(SMALLEST_SLICE, allowed)))

    def run(self, joints: list[Joint], *, steps: int, valid_examples: int, repeat: int = 0) -> list[Tried]:
        """One annealed run of each choice; stored, and charged to the search."""
        candidates = [
            Candidate(label=self._label(joint, steps), value=joint.lr, settings=self.settings_for(joint, steps=steps), total_steps=steps) for joint in joints
        ]
        made = annealed_runs(
            self.lab.task, candidates, probe="ladder", seed=self.lab.search_seed(repeat), valid_examples=valid_examples, execute=self.lab.executor("search")
        )
        self.arms += made.arms
        return [Tried(joint=joint, steps=steps, arms=(arm,), score=self.score_of((arm,))) for joint, arm in zip(joints, made.arms, strict=True)]

    def score_of(self, arms: tuple[Arm, ...]) -> float:
        """Mean score of runs, smaller is better."""
        task = self.lab.task
        return sum(score(arm.run.curve, goal=task.goal, higher_is_better=task.goal_is_higher_better) for arm in arms) / len(arms)

    def experiment(self) -> Experiment:
        """Every run so far."""
        return Experiment(probe="ladder", arms=tuple(self.arms))

    def _unit(self, settings: Settings, *, steps: int) -> float:
        """Total decay of a run at weight decay 1; 1 for Adam."""
        if self.lab.checked.acts_like == "adam":
            return 1.0
        shape = self.lab.task.schedule if callable(self.lab.task.schedule) else None
        return total_decay(dataclasses.replace(settings, weight_decay=1.0), total_steps=steps, optimizer_name=self.lab.checked.acts_like, shape=shape)

    def _label(self, joint: Joint, steps: int) -> str:
        return f"{steps} updates, lr {joint.lr:.3g}, momentum {joint.momentum:g}, decay {joint.decay:.2g}"
