from tests.engine.small import make_spec, make_task

from tunesmith.engine import run_spec
from tunesmith.fleet import execute_here


def test_runs_come_back_in_the_order_given() -> None:
    specs = [make_spec(seed=seed, total_steps=2) for seed in (5, 3, 4, 3)]
    runs = execute_here(make_task(), specs)
    assert [run.spec for run in runs] == specs
    assert runs[1].curve.train_loss == runs[3].curve.train_loss == run_spec(make_task(), specs[1]).curve.train_loss


def test_no_order_is_no_run() -> None:
    assert execute_here(make_task(), []) == []
