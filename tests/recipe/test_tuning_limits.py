"""`tune` where the user decides: fixed knobs, bounds, a fixed length, arguments that cannot be followed."""

import itertools
import math
from pathlib import Path

import pytest
from tests.recipe.tiny import KNOBS, Heard, Tuned, is_sweep, make_task, overfitting, time_model, tuned

from tunesmith.errors import InputError
from tunesmith.plan import StudyOutcome
from tunesmith.recipe import tune
from tunesmith.study import Study


class TestLimits:
    @pytest.mark.parametrize("name", KNOBS)
    def test_a_fixed_knob_stays(self, tmp_path: Path, name: str) -> None:
        done = tuned(make_task(epochs=30), tmp_path, fixed={name: KNOBS[name]}, time_model=time_model(tmp_path))
        self.assert_fixed(done, {name: KNOBS[name]})

    def test_with_every_knob_fixed_the_plan_is_only_confirmed(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, fixed=KNOBS | {"epochs": 30})
        self.assert_fixed(done, KNOBS)
        assert set(done.heard.stages) == {"confirm"}
        (forecast,) = done.heard.forecasts
        assert forecast.search == (0.0, 0.0)
        assert done.plan.total_steps == 300

    @pytest.mark.slow
    @pytest.mark.parametrize("names", [names for count in (2, 3) for names in itertools.combinations(KNOBS, count)], ids=" ".join)
    def test_any_combination_stays(self, tmp_path: Path, names: tuple[str, ...]) -> None:
        fixed = {name: KNOBS[name] for name in names}
        self.assert_fixed(tuned(make_task(epochs=60), tmp_path, fixed=fixed, time_model=time_model(tmp_path)), fixed)

    @staticmethod
    def assert_fixed(done: Tuned, fixed: dict[str, float]) -> None:
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert done.plan.settings is not None
        knobs = done.plan.settings.to_dict()
        assert {name: knobs[name] for name in fixed} == fixed
        for stored in done.stored():
            tried = stored.run.spec.settings.to_dict()
            names = set(fixed) - ({"lr"} if is_sweep(stored) else set()) - ({"weight_decay"} if stored.purpose == "search" else set())  # matched to the length
            assert {name: tried[name] for name in names} == {name: fixed[name] for name in names}
        assert done.plan.cost.search <= 1

    @pytest.mark.parametrize(
        ("name", "low", "high"),
        [
            pytest.param("lr", 0.0123, 0.0456, marks=pytest.mark.slow),
            ("lr", 0.01201, 0.01203),
            pytest.param("lr", 1.3, 2.0, marks=pytest.mark.slow),
            pytest.param("momentum", 0.5, 0.8, marks=pytest.mark.slow),
            ("momentum", 0.912, 0.934),
            ("weight_decay", 0.00126, 0.0014),
            pytest.param("weight_decay", 0.0, 1e-5, marks=pytest.mark.slow),
            ("batch_size", 20, 50),
        ],
    )
    def test_a_bounded_knob_stays_within_its_bounds(self, tmp_path: Path, name: str, low: float, high: float) -> None:
        done = tuned(make_task(epochs=30), tmp_path, bounds={name: (low, high)}, time_model=time_model(tmp_path), recipe="report")
        with Study.open(done.folder) as stored:
            experiments = {experiment.probe: experiment for experiment in stored.experiments()}
        probe = "peak_lr" if name == "lr" else name
        assert all(low <= (arm.value or 0.0) <= high for arm in experiments[probe].arms) if probe in experiments else name == "batch_size"
        tried = [stored.run.spec.settings for stored in done.stored() if stored.purpose == "confirm"]
        if done.plan.settings is not None:
            tried.append(done.plan.settings)
        assert all(low <= float(str(settings.to_dict()[name])) <= high for settings in tried)
        assert done.plan.cost.search <= 1

    def test_a_fixed_length_is_neither_searched_nor_shortened(self, tmp_path: Path) -> None:
        done = tuned(overfitting(), tmp_path, fixed={"epochs": 250})
        assert done.plan.total_steps == done.task.n_train * 250 // done.plan.batch_size
        assert all(stored.run.spec.total_steps == done.plan.total_steps for stored in done.stored() if stored.purpose == "confirm")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"fixed": {"batch_size": 321}}, "321"),
            ({"fixed": {"batch_size": 0}}, "batch_size must be"),
            ({"fixed": {"batch_size": 16.5}}, "whole number"),
            ({"fixed": {"lr": 0.0}}, "lr must be finite and > 0"),
            ({"fixed": {"lr": math.nan}}, "lr must be"),
            ({"fixed": {"lr": math.inf}}, "lr must be"),
            ({"fixed": {"momentum": 1.0}}, "momentum must be"),
            ({"fixed": {"weight_decay": -1.0}}, "weight_decay must be"),
            ({"fixed": {"epochs": 0.0}}, "epochs"),
            ({"fixed": {"dropout": 0.5}}, "dropout"),
            ({"bounds": {"dropout": (0, 1)}}, "dropout"),
            ({"bounds": {"lr": (1.0, 0.1)}}, "low ≤ high"),
            ({"bounds": {"lr": (math.nan, 0.1)}}, "low ≤ high"),
            ({"bounds": {"lr": (-1.0, 0.0)}}, "lr must leave"),
            ({"bounds": {"momentum": (1.1, 1.2)}}, "momentum must leave"),
            ({"bounds": {"batch_size": (400, 500)}}, "400"),
            ({"fixed": {"lr": 0.1}, "bounds": {"lr": (0.1, 0.2)}}, "both"),
            ({"budget": 0.0}, "budget must be"),
            ({"budget": math.nan}, "budget must be"),
            ({"budget": math.inf}, "budget must be"),
            ({"confirm_seeds": 0}, "confirm_seeds ≥ 1"),
            ({"seed": -1}, r"seed in \[0, "),
            ({"seed": 10**30}, r"seed in \[0, "),
            ({"recipe": "magic"}, "recipe must be one of"),
            ({"schedule": "zigzag"}, "schedule must be one of"),
            ({"cycles": 3}, "cycles must be left out where the schedule is not triangular"),
            ({"schedule": "triangular", "cycles": 0}, "cycles must be a whole number ≥ 1"),
            ({"workers": 0}, "workers must be"),
            ({"device": "abacus"}, "abacus"),
        ],
    )
    def test_arguments_that_cannot_be_followed_are_refused(self, tmp_path: Path, options: dict[str, object], words: str) -> None:
        heard = Heard()
        with pytest.raises(InputError, match=words) as caught:
            tune(make_task(), out=tmp_path / "study", progress=heard, **options)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        assert heard.costs == []  # nothing was trained for it
