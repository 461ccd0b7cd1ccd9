import pytest
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched

from tunesmith.errors import BudgetError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.settings import Settings
from tunesmith.task import Task


def candidate(lr: float, *, steps: int) -> Candidate:
    return Candidate(label=f"lr {lr}", value=lr, settings=Settings(lr=lr, batch_size=8), total_steps=steps)


class TestAnnealedRuns(ProbeContract):
    n_arms, updates, evaluated = 2, 16 + 24, 2 * 32

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        return annealed_runs(task, [candidate(0.1, steps=16), candidate(0.05, steps=24)], probe="peak_lr", seed=seed, execute=execute)


def test_every_run_ends_with_its_learning_rate_near_zero() -> None:
    """METHOD, trap 6: ranking at a high learning rate misleads."""
    for arm in annealed_runs(Watched().task(), [candidate(0.1, steps=40)], probe="peak_lr", seed=0).arms:
        assert max(arm.run.curve.lr) == pytest.approx(0.1, rel=0.1)
        assert arm.run.curve.lr[-1] <= 0.1 / 100


def test_two_batch_sizes_see_the_same_examples_in_the_same_order() -> None:
    watched = Watched()
    settings = [Settings(batch_size=size) for size in (8, 24)]
    annealed_runs(
        watched.task(),
        [Candidate(label=f"{s.batch_size}", value=None, settings=s, total_steps=96 // s.batch_size) for s in settings],
        probe="batch_size",
        seed=1,
    )
    assert watched.logs[0].examples == watched.logs[1].examples
    assert sorted(watched.logs[0].examples) == list(range(96))


def test_no_candidate_is_refused() -> None:
    with pytest.raises(BudgetError, match="'momentum' must have at least one candidate"):
        annealed_runs(Watched().task(), [], probe="momentum", seed=0, execute=Recorder())
