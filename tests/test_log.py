import math

from hypothesis import given
from tests import record_strategies as records

from tunesmith.curve import Curve
from tunesmith.log import StepUnit, TrainingLog, from_curve


def same(values: list[float], others: tuple[float, ...]) -> bool:
    return len(values) == len(others) and all(one == other or (math.isnan(one) and math.isnan(other)) for one, other in zip(values, others, strict=True))


@given(records.curves())
def test_a_curve_read_as_a_log_keeps_every_value(curve: Curve) -> None:
    log = from_curve(curve, name="a run", total_steps=7)
    assert (log.name, log.step_unit, log.total_steps) == ("a run", StepUnit.STEP, 7)
    assert log.train_loss.step.tolist() == list(range(1, 1 + len(curve.train_loss)))
    assert same(log.train_loss.value.tolist(), curve.train_loss)
    assert same(log.lr.value.tolist(), curve.lr)
    assert same(log.valid_loss.value.tolist(), curve.valid_loss)
    assert log.valid_loss.step.tolist() == list(curve.eval_step)
    assert set(log.valid_metrics) == set(curve.metrics)
    assert TrainingLog.from_dict(log.to_dict()).to_dict() == log.to_dict()
