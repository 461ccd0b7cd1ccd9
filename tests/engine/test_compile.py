import dataclasses

import pytest

from tunesmith import demo_task
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec, Settings


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # torch's compiler warns of itself
def test_a_compiled_network_learns_the_same_within_rounding() -> None:
    task = demo_task.task()
    spec = RunSpec(settings=Settings(lr=0.02, batch_size=32), total_steps=20, seed=0, evaluations=1, keeps_weights=True)
    plain, compiled = (run_spec(dataclasses.replace(task, compile=is_compiled), spec) for is_compiled in (False, True))
    assert compiled.curve.train_loss == pytest.approx(plain.curve.train_loss, rel=1e-4)
    assert compiled.curve.valid_loss == pytest.approx(plain.curve.valid_loss, rel=1e-4)
    assert compiled.weights is not None
    network = task.model()
    network.load_state_dict(compiled.weights)  # names without the compiler's prefix


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # as above
def test_gradient_samples_leave_a_compiled_run_bit_for_bit_as_it_was() -> None:
    task = dataclasses.replace(demo_task.task(), compile=True)
    spec = RunSpec(settings=Settings(lr=0.02, batch_size=32), total_steps=20, seed=0)
    without, sampled = (run_spec(task, dataclasses.replace(spec, gradient_points=points)).curve for points in (0, 4))
    assert sampled.train_loss == without.train_loss
    assert [sample.step for sample in sampled.gradients] == [4, 4, 8, 8, 12, 12, 16, 16]
