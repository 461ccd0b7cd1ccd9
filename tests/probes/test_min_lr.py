import numpy as np
import pytest
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched

from tunesmith import probes
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import Settings
from tunesmith.task import Task


class TestMinLr(ProbeContract):
    n_arms, updates, evaluated = 3, 3 * 20, 3 * 4 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(lr=0.1, batch_size=8)
        return probes.min_lr(
            task, settings, total_steps=20, shares=(1 / 20, 1 / 10, 1 / 3), seed=seed, evaluations=3, valid_examples=16, execute=execute
        )  # fmt: skip


def test_rates_are_constant_shares_of_the_peak() -> None:
    experiment = probes.min_lr(Watched().task(), Settings(lr=0.4, batch_size=8), total_steps=20)
    assert [arm.value for arm in experiment.arms] == pytest.approx([0.01, 0.02, 0.04, 0.1, 0.4 / 3])
    for arm in experiment.arms:
        np.testing.assert_allclose(arm.run.curve.lr, arm.value)


def test_other_knobs_are_those_of_the_peak() -> None:
    recorder = Recorder()
    settings = Settings(lr=0.4, momentum=0.95, min_momentum=0.85, weight_decay=0.01, batch_size=8)
    probes.min_lr(Watched().task(), settings, total_steps=20, shares=(0.5,), execute=recorder)
    (spec,) = recorder.specs
    assert (spec.settings.momentum, spec.settings.weight_decay, spec.settings.batch_size) == (0.95, 0.01, 8)


@pytest.mark.parametrize("shares", [(), (0.0,), (0.1, 1.5), (-0.1,), (float("nan"),)])
def test_shares_that_are_none_of_the_peak_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="fractions of the peak"):
        probes.min_lr(Watched().task(), Settings(batch_size=8), total_steps=20, shares=shares, execute=Recorder())
