import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probes.contract import ProbeContract
from tests.probes.watched import Recorder, Watched

from tunesmith import probes
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings
from tunesmith.task import Task


class TestWeightDecay(ProbeContract):
    n_arms, updates, evaluated = 3, 3 * 16, 3 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(lr=0.05, batch_size=8)
        return probes.weight_decay(
            task, settings, total_steps=16, planned_steps=120, values=(0.0, 1e-4, 1e-3), seed=seed, valid_examples=16, execute=execute
        )  # fmt: skip


@given(st.integers(10, 200), st.integers(1, 20))
def test_a_short_run_has_the_total_decay_of_the_training_it_stands_for(steps: int, factor: int) -> None:
    """To a twentieth: a cycle of few updates does not sum to quite the same (METHOD, section 2.5)."""
    recorder = Recorder()
    settings = Settings(lr=0.05, momentum=0.9, batch_size=8, schedule="warmup_linear")
    probes.weight_decay(Watched().task(), settings, total_steps=steps, planned_steps=steps * factor, values=(1e-3,), execute=recorder)
    (spec,) = recorder.specs
    short = total_decay(spec.settings, total_steps=steps, optimizer_name="sgd")
    full = total_decay(
        Settings(lr=0.05, momentum=0.9, batch_size=8, schedule="warmup_linear", weight_decay=1e-3), total_steps=steps * factor, optimizer_name="sgd"
    )
    assert short == pytest.approx(full, rel=0.12)


def test_values_are_those_of_the_full_training_and_have_labels_of_their_own() -> None:
    values = (0.0, 1e-4, 1.26e-3, 1.3e-3)
    experiment = probes.weight_decay(Watched().task(), Settings(batch_size=8), total_steps=10, planned_steps=100, values=values, execute=Recorder())
    assert tuple(arm.value for arm in experiment.arms) == values
    assert len({arm.label for arm in experiment.arms}) == len(values)
