import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import record_strategies as records

from tunesmith.cost import Cost, total_steps_for
from tunesmith.curve import Curve, RunOutcome
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment, experiment_from_dict, experiment_to_dict
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyOutcome, Trained
from tunesmith.settings import Json, RunSpec, Settings


def through_json(data: Json) -> Json:
    """What another program reads: standard JSON, without NaN and Infinity."""
    return json.loads(json.dumps(data, allow_nan=False))


@given(records.settings())
def test_settings_survive_json(knobs: Settings) -> None:
    assert Settings.from_dict(through_json(knobs.to_dict())) == knobs


@given(records.run_specs())
def test_a_run_spec_and_its_key_survive_json(spec: RunSpec) -> None:
    again = RunSpec.from_dict(through_json(spec.to_dict()))
    assert again == spec
    assert again.key == spec.key


@given(records.run_specs(), records.run_specs())
def test_specs_share_a_key_only_where_they_are_equal(one: RunSpec, other: RunSpec) -> None:
    assert (one.key == other.key) == (one == other)


@given(records.curves())
def test_a_curve_survives_json_with_nan_and_infinities(curve: Curve) -> None:
    again = Curve.from_dict(through_json(curve.to_dict()))
    assert again.to_dict() == curve.to_dict()  # NaN is no equal of NaN; its name is
    assert list(again.metrics) == list(curve.metrics)
    assert (again.outcome, again.cost) == (curve.outcome, curve.cost)


@given(records.curves())
def test_a_curve_that_did_not_finish_never_wins(curve: Curve) -> None:
    assert not math.isnan(curve.final_valid_loss)
    if curve.outcome is not RunOutcome.FINISHED:
        assert curve.final_valid_loss == math.inf


@given(records.findings())
def test_a_finding_survives_json(finding: Finding) -> None:
    assert Finding.from_dict(through_json(finding.to_dict())) == finding


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_finding_without_a_finite_value_has_none_in_json(value: float) -> None:
    finding = Finding(kind="edge", value=value, confidence=0.5, evidence="", not_established="")
    assert Finding.from_dict(through_json(finding.to_dict())).value is None


@settings(max_examples=40)
@given(records.experiments())
def test_an_experiment_survives_json_given_its_runs(experiment: Experiment) -> None:
    runs = {arm.run.spec.key: arm.run for arm in experiment.arms}
    again = experiment_from_dict(through_json(experiment_to_dict(experiment)), runs=runs)
    assert experiment_to_dict(again) == experiment_to_dict(experiment)
    assert all(arm.run is before.run for arm, before in zip(again.arms, experiment.arms, strict=True))


@given(records.plans())
def test_a_plan_survives_json(plan: Plan) -> None:
    again = Plan.from_dict(through_json(plan.to_dict()))
    assert again == plan
    assert again.to_dict() == plan.to_dict()


@given(records.settings())
def test_a_plan_from_json_trains_the_same_where_knobs_were_left_to_their_defaults(knobs: Settings) -> None:
    plan = Plan(outcome=StudyOutcome.RECOMMENDED, settings=knobs, optimizer_name="sgd", n_train=1000, total_steps=100)
    again = Plan.from_dict(through_json(plan.to_dict()))
    assert again.knobs_dict() == plan.knobs_dict()


@given(records.trained())
def test_results_survive_json(trained: Trained) -> None:
    assert Trained.from_dict(through_json(trained.to_dict())) == trained


@given(records.costs(), records.costs(), st.floats(1, 1e12))
def test_costs_add_up(one: Cost, other: Cost, full: float) -> None:
    apart = one.full_trainings(full_training_examples=full) + other.full_trainings(full_training_examples=full)
    assert (one + other).full_trainings(full_training_examples=full) == pytest.approx(apart)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**4))
def test_a_length_in_steps_survives_the_way_through_epochs(steps: int, n_train: int, batch_size: int) -> None:
    assert total_steps_for(epochs=steps * batch_size / n_train, n_train=n_train, batch_size=batch_size) == steps


@pytest.mark.parametrize(
    ("knobs", "name"),
    [
        ({"lr": 0.0}, "Settings.lr"),
        ({"lr": math.nan}, "Settings.lr"),
        ({"lr": math.inf}, "Settings.lr"),
        ({"min_lr": 0.2, "lr": 0.1}, "Settings.min_lr"),
        ({"momentum": 1.0}, "Settings.momentum"),
        ({"momentum": math.nan}, "Settings.momentum"),
        ({"momentum": 0.8, "min_momentum": 0.9}, "Settings.min_momentum"),
        ({"weight_decay": -1e-9}, "Settings.weight_decay"),
        ({"batch_size": 0}, "Settings.batch_size"),
        ({"epochs": 0.0}, "Settings.epochs"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(knobs: dict[str, float], name: str) -> None:
    with pytest.raises(InputError, match=name):
        Settings(**knobs)
