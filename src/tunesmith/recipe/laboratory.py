"""Where a recipe's runs are made: the study remembers them, the ledger counts them, the budget caps them."""

import dataclasses
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch

from tunesmith.cost import Cost
from tunesmith.curve import Run
from tunesmith.engine import Checked, RunResult, run_spec
from tunesmith.engine.evaluation import NORM_STATISTICS_EXAMPLES
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, Processes
from tunesmith.plan import StudyCost
from tunesmith.recipe.checkpoint import save_weights
from tunesmith.recipe.progress import Progress
from tunesmith.schedules import total_decay
from tunesmith.settings import RunSpec, Settings
from tunesmith.study import Study
from tunesmith.task import Task
from tunesmith.thresholds import Thresholds

Purpose: TypeAlias = Literal["search", "confirm", "baseline"]


class Laboratory:
    """A task, the study that remembers its runs, and the budget of the search.

    A run that the study holds is never made again, so a recipe resumes by starting over: what was done is read, and what follows is the same, bit for bit.
    That holds because the budget counts what this recipe has asked for so far, whether it was made now or before.

    Args:
        task: What to train.
        checked: What its check learnt.
        study: Open for writing.
        budget: Cap of the search, in full trainings.
        seed: Of the study; runs of the search use `seed * 1000 + i`, confirming runs `seed * 1000 + 500 + i`.
        device: As torch spells it.
        thresholds: The constants of judgement.
        progress: Hears what happens.
        processes: Make the runs that can go at the same time; None makes all runs in this process.
    """

    def __init__(
        self,
        *,
        task: Task,
        checked: Checked,
        study: Study,
        budget: float,
        seed: int,
        device: str,
        thresholds: Thresholds,
        progress: Progress,
        processes: Processes | None = None,
    ) -> None:
        self.task = task
        self.checked = checked
        self.study = study
        self.budget = budget
        self.seed = seed
        self.device = device
        self.thresholds = thresholds
        self.progress = progress
        self._processes = processes
        self._micro_batch_size: int | None = None
        self._costs: dict[Purpose, Cost] = {"search": Cost(), "confirm": Cost(), "baseline": Cost()}
        self._looked = Cost()
        self._set_aside = 0.0
        self._counted: set[str] = set()

    @property
    def full_training_examples(self) -> float:
        """What costs are counted in."""
        return self.task.full_training_examples

    @property
    def left(self) -> float:
        """Examples that the search's runs may still spend.

        What looking costs (the check, the time model) is set aside once, whatever it was: so a study with a time model from a file decides like the one that
        measured it.
        """
        full = self.full_training_examples
        return max(0.0, (self.budget - self._costs["search"].full_trainings(full_training_examples=full)) * full - self._set_aside)

    @property
    def looked_examples(self) -> float:
        """What looking has cost so far, in examples forward and backward."""
        return self._looked.full_trainings(full_training_examples=1.0)

    def cost(self) -> StudyCost:
        """What this recipe has asked for so far, in full trainings."""
        full = self.full_training_examples
        costs = self._costs | {"search": self._costs["search"] + self._looked}
        search, confirm, baseline = (costs[purpose].full_trainings(full_training_examples=full) for purpose in ("search", "confirm", "baseline"))
        return StudyCost(search=search, confirm=confirm, baseline=baseline, seconds=sum(cost.seconds for cost in costs.values()))

    def search_seed(self, index: int) -> int:
        """The seed of the search's `index`-th repeat."""
        return self.seed * 1000 + index

    def confirm_seeds(self, count: int, *, first: int = 0) -> list[int]:
        """Seeds that no run of the search uses."""
        return [self.seed * 1000 + 500 + first + i for i in range(count)]

    def norm_examples(self, batch_size: int) -> int:
        """Examples forward that one re-estimation of BatchNorm statistics takes."""
        return min(max(NORM_STATISTICS_EXAMPLES, 2 * batch_size), self.task.n_train) if self.checked.has_batch_norm else 0

    def unit_decay(self, settings: Settings, *, total_steps: int) -> float:
        """Total decay of a run at weight decay 1 (METHOD, section 2.5); 1 for Adam, whose decay is part of the gradient that it normalises."""
        if self.checked.acts_like == "adam":
            return 1.0
        shape = self.task.schedule if callable(self.task.schedule) else None
        return total_decay(dataclasses.replace(settings, weight_decay=1.0), total_steps=total_steps, optimizer_name=self.checked.acts_like, shape=shape)

    def executor(self, purpose: Purpose) -> Execute:
        """Makes runs on the account of `purpose`: from the study where it holds them."""

        def execute(task: Task, specs: Sequence[RunSpec]) -> list[Run]:
            specs = specs if self._micro_batch_size is None else [dataclasses.replace(spec, micro_batch_size=self._micro_batch_size) for spec in specs]
            if self._processes is not None and task is self.task:
                self._make_together(self._processes, specs, purpose)
            return [self._counted_run(task, spec, purpose) for spec in specs]

        return execute

    def cut_batches(self, task: Task) -> None:
        """From now on train `task`, whose batches were cut because they do not fit: its runs have names of their own, since BatchNorm sees other batches."""
        self._micro_batch_size = None if task.micro_batch_size == self.task.micro_batch_size else task.micro_batch_size
        self.task = task

    def charge(self, name: str, cost: Cost) -> None:
        """Count what the search spent outside runs, such as measuring the time model."""
        self.study.charge(name, cost, purpose="search")
        self._looked += cost

    def set_aside(self, examples: float) -> None:
        """Keep what looking may cost out of `left`."""
        self._set_aside = examples

    def put(self, experiment: Experiment) -> Experiment:
        """Store an experiment and say what was decided."""
        self.study.put_experiment(experiment)
        if experiment.verdict:
            self.progress.decided(experiment.verdict)
        return experiment

    def _counted_run(self, task: Task, spec: RunSpec, purpose: Purpose) -> Run:
        run = self.study.find(spec) or self._make(task, spec, purpose)
        if spec.key not in self._counted:
            self._counted.add(spec.key)
            self._costs[purpose] += run.curve.cost
        return run

    def _make(self, task: Task, spec: RunSpec, purpose: Purpose) -> Run:
        before = self.cost().total

        def on_step(step: int, examples: float) -> None:
            self._tell(spec, purpose, step=step, cost=before + examples / self.full_training_examples)

        if self._processes is not None:
            self._processes.warm_up()  # while this one is made
        return self._keep(spec, run_spec(task, spec, device=self.device, thresholds=self.thresholds, on_step=on_step), purpose)

    def _make_together(self, processes: Processes, specs: Sequence[RunSpec], purpose: Purpose) -> None:
        """Make those that the study does not hold, and store each as soon as it is there: what is decided later reads them in the order of the specs.

        A single one is left to be made in this process, which has the task already.
        """
        missing = list({spec.key: spec for spec in specs if self.study.find(spec) is None}.values())
        if len(missing) < 2:  # noqa: PLR2004 (nothing goes at the same time)
            return
        before, spent = self.cost().total, [0.0] * len(missing)

        def on_step(index: int, step: int, examples: float) -> None:
            spent[index] = examples
            self._tell(missing[index], purpose, step=step, cost=before + sum(spent) / self.full_training_examples)

        def on_result(index: int, result: RunResult) -> None:
            run = self._keep(missing[index], result, purpose)
            spent[index] = run.curve.cost.full_trainings(full_training_examples=1.0)

        processes.run(missing, on_step=on_step, on_result=on_result)

    def _tell(self, spec: RunSpec, purpose: Purpose, *, step: int, cost: float) -> None:
        condition = f"{spec.condition}, " if spec.condition else ""
        self.progress.run(label=f"{purpose}, {condition}lr {spec.settings.lr:.3g}, seed {spec.seed}", step=step, total_steps=spec.total_steps, cost=cost)

    def _keep(self, spec: RunSpec, result: RunResult, purpose: Purpose) -> Run:
        run = Run(spec=spec, curve=result.curve)
        if result.weights is not None:
            save_weights(result.weights, self.study.checkpoint(spec.key))
        self.study.add(run, purpose=purpose)
        return run


def describe_device(device: str) -> str:
    """The device's name and torch's version, for the report."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return f"{name}, torch {torch.__version__}"
