"""Everything that a report shows of a study, read once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.curve import Run
from tunesmith.experiment import Experiment
from tunesmith.plan import Plan, StudyCost
from tunesmith.report.wording import plain
from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.study import Study


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A study as it stood when it was read.

    Attributes:
        name: The task's name, or the folder's where it has none.
        description, notes: As the study has them.
        plan: The recommendation; None before the study has ended.
        experiments: In order.
        runs: Every run, also those of no experiment.
        cost: What was spent.
    """

    name: str
    description: dict[str, Json]
    notes: dict[str, Json]
    plan: Plan | None
    experiments: tuple[Experiment, ...]
    runs: tuple[Run, ...]
    cost: StudyCost

    @property
    def goal(self) -> str:
        """What decided: "loss", or a metric's name."""
        return self.plan.goal if self.plan is not None else str(self.description.get("goal", "loss"))

    @property
    def goal_is_higher_better(self) -> bool:
        """Whether a larger goal is better."""
        return bool(self.description.get("goal_is_higher_better", False))

    def experiment(self, probe: str) -> Experiment | None:
        """The experiment of a probe, if there is one."""
        return next((experiment for experiment in self.experiments if experiment.probe == probe), None)

    def full_trainings(self, run: Run) -> float:
        """What a run cost; 0 where the study does not say how long a full training is."""
        full = self.description.get("full_training_examples")
        return run.curve.cost.full_trainings(full_training_examples=float(full)) if isinstance(full, (int, float)) and full > 0 else 0.0


def read_evidence(study: "Study") -> Evidence:
    """What a study holds; one pass over its database."""
    description = study.description
    name = next((description[key] for key in ("task", "name", "task_name") if isinstance(description.get(key), str)), study.folder.name)
    return Evidence(
        name=plain(str(name)),
        description=description,
        notes=study.notes,
        plan=study.plan,
        experiments=study.experiments(),
        runs=tuple(stored.run for stored in study.runs()),
        cost=study.cost(),
    )
