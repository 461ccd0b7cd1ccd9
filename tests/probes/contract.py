"""What every probe promises; the test of each inherits it."""

import abc
import random

import numpy as np
import torch
from tests.probes.watched import N_VALID, Recorder, Watched

from tunesmith.curve import RunOutcome
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.task import Task


class ProbeContract(abc.ABC):
    """One class a probe: deterministic by seed, within its budget to the step, without a trace, honest about lost runs, fair to its arms.

    Attributes:
        n_arms: Runs that `experiment` makes.
        updates: Updates that they have together.
        evaluated: Examples that they evaluate together.
        are_arms_paired: Whether all runs share initial weights and data order; False where the arms are seeds.
    """

    n_arms: int
    updates: int
    evaluated: int
    are_arms_paired = True

    @abc.abstractmethod
    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        """Run the probe at batch size 8."""

    def test_the_same_seed_gives_the_same_bits(self) -> None:
        one, other = (self.experiment(Watched(draws=True).task(), seed=3) for _ in range(2))
        assert [self._numbers(arm) for arm in one.arms] == [self._numbers(arm) for arm in other.arms]

    def test_another_seed_gives_another_run(self) -> None:
        one, other = (self.experiment(Watched().task(), seed=seed) for seed in (3, 4))
        assert one.arms[0].run.curve.train_loss != other.arms[0].run.curve.train_loss

    def test_the_budget_is_obeyed_to_the_step(self) -> None:
        watched = Watched()
        experiment = self.experiment(watched.task(), seed=0)
        assert sum(log.updates for log in watched.logs) == self.updates
        assert sum(len(log.examples) for log in watched.logs) == 8 * self.updates
        assert sum(arm.run.curve.cost.trained_examples for arm in experiment.arms) == 8 * self.updates
        assert sum(arm.run.curve.cost.evaluated_examples for arm in experiment.arms) == self.evaluated
        assert all(len(arm.run.curve.train_loss) == arm.run.spec.total_steps for arm in experiment.arms)

    def test_global_generators_and_the_users_data_come_back_untouched(self) -> None:
        watched = Watched(draws=True)
        data = [part.clone() for part in (*watched.train, *watched.valid)]
        torch.manual_seed(7)
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist(), torch.get_num_threads()  # noqa: NPY002 (users' code draws from it)
        self.experiment(watched.task(), seed=0)
        after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist(), torch.get_num_threads()  # noqa: NPY002 (see above)
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
        assert all(torch.equal(was, now) for was, now in zip(data, (*watched.train, *watched.valid), strict=True))

    def test_a_run_stops_on_nan_and_says_so(self) -> None:
        watched = Watched(nan_after=5)
        experiment = self.experiment(watched.task(), seed=0)
        assert len(experiment.arms) == self.n_arms
        assert all(arm.run.curve.outcome is RunOutcome.NOT_FINITE for arm in experiment.arms)
        assert all(len(arm.run.curve.train_loss) == 6 for arm in experiment.arms)
        assert all(log.updates == 6 for log in watched.logs)

    def test_every_arm_starts_from_the_same_weights_and_sees_the_same_examples(self) -> None:
        watched = Watched()
        self.experiment(watched.task(), seed=0)
        assert len(watched.logs) == self.n_arms
        weights = {tuple(log.weights) for log in watched.logs}
        fewest = min(len(log.examples) for log in watched.logs)
        orders = {tuple(log.examples[:fewest]) for log in watched.logs}
        expected = 1 if self.are_arms_paired else self.n_arms
        assert (len(weights), len(orders)) == (expected, expected)

    def test_runs_are_made_by_the_executor_alone(self) -> None:
        watched, recorder = Watched(), Recorder()
        experiment = self.experiment(watched.task(), seed=5, execute=recorder)
        assert watched.logs == []
        assert [arm.run.spec for arm in experiment.arms] == recorder.specs
        assert len({spec.key for spec in recorder.specs}) == self.n_arms

    def test_a_probe_judges_nothing(self) -> None:
        experiment = self.experiment(Watched().task(), seed=0, execute=Recorder())
        assert (experiment.findings, experiment.verdict) == ((), "")
        assert all(arm.label for arm in experiment.arms)

    @staticmethod
    def _numbers(arm: object) -> object:
        curve = arm.run.curve  # type: ignore[attr-defined]
        return curve.lr, curve.momentum, curve.train_loss, curve.eval_step, curve.valid_loss, curve.outcome

    @staticmethod
    def evaluations(count: int, *, examples: int = N_VALID) -> int:
        """Examples that `count` evaluations take."""
        return count * examples
