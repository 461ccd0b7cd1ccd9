import math
from pathlib import Path

import numpy as np
import pytest
from tests.recipe.tiny import Heard, make_task

import tunesmith as ts
from tunesmith.curve import Curve
from tunesmith.errors import BudgetError, InputError
from tunesmith.reading import RangeOutcome
from tunesmith.recipe import single
from tunesmith.settings import RunKind
from tunesmith.study import Study


def sweep(folder: Path) -> tuple[Curve, int]:
    """The linear sweep of a study, and how many runs it made in all."""
    with Study.open(folder) as study:
        (linear,) = (stored.run for stored in study.runs() if stored.run.spec.kind is RunKind.LINEAR_RAMP)
        return linear.curve, len(study.runs())


def test_a_range_test_finds_its_own_end_and_is_kept(tmp_path: Path) -> None:
    heard = Heard()
    reading = single.lr_range(make_task(), out=tmp_path / "study", progress=heard)
    assert reading.outcome in (RangeOutcome.FOUND, RangeOutcome.NEVER_DIVERGED)
    assert 0.01 < reading.suggestion() < 1
    assert (tmp_path / "study" / "report.html").exists()
    with Study.open(tmp_path / "study") as study:
        assert [experiment.probe for experiment in study.experiments()] == ["bracket", "lr_range"]
        assert study.plan is None
    again = Heard()
    assert single.lr_range(make_task(), out=tmp_path / "study", progress=again) == reading
    assert again.costs == []


def test_what_the_user_asks_for_is_swept(tmp_path: Path) -> None:
    single.lr_range(make_task(), out=tmp_path / "study", start_lr=0.001, end_lr=0.01, steps=30, batch_size=8, seed=3)
    curve, n_runs = sweep(tmp_path / "study")
    assert n_runs == 1
    np.testing.assert_allclose(curve.lr, np.linspace(0.001, 0.01, 30))
    assert curve.cost.trained_examples == 30 * 8


def test_two_lengths_are_compared_and_both_sweeps_are_kept(tmp_path: Path) -> None:
    options = {"out": tmp_path / "study", "end_lr": 3.0, "steps": 100}
    alone = single.lr_range(make_task(), **options)
    reading = single.lr_range(make_task(), compare_steps=40, **options)
    assert [finding.kind for finding in reading.findings] == [*(finding.kind for finding in alone.findings), "drift"]
    assert "Sweeps of 40 and 100 updates" in reading.findings[-1].evidence
    with Study.open(tmp_path / "study") as study:
        (experiment,) = study.experiments()
    assert [(arm.label, arm.run.spec.total_steps) for arm in experiment.arms] == [("linear 0 to 3, 40 updates", 40), ("linear 0 to 3, 100 updates", 100)]
    assert experiment.findings == reading.findings
    assert ts.read(experiment) == alone
    assert "Several sweeps over one another" in (tmp_path / "study" / "report.html").read_text()


def test_a_sweep_made_again_is_read_and_the_first_is_kept_beside_it(tmp_path: Path) -> None:
    """The bracket says .23, where the linear sweep shows no edge yet."""
    heard = Heard()
    reading = single.lr_range(make_task(), out=tmp_path / "study", progress=heard)
    with Study.open(tmp_path / "study") as study:
        _, experiment = study.experiments()
    assert len(experiment.arms) == heard.stages.count("lr_range") == 2
    assert (experiment.arms[0].value or 0) < (experiment.arms[1].value or 0)
    assert ts.read(experiment) == reading
    assert experiment.findings == reading.findings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start_lr": 0.1, "end_lr": 0.1}, "start_lr < end_lr"),
        ({"start_lr": -0.1, "end_lr": 0.1}, "start_lr < end_lr"),
        ({"end_lr": 0.0}, "start_lr < end_lr"),
        ({"end_lr": math.nan}, "start_lr < end_lr"),
        ({"end_lr": 0.1, "steps": 0}, "at least 20 steps"),
        ({"end_lr": 0.1, "steps": -5}, "at least 20 steps"),
        ({"steps": 19}, "at least 20 steps to be read, got steps=19"),
        ({"compare_steps": 19}, "at least 20 steps to be read, got compare_steps=19"),
        ({"steps": 30, "compare_steps": 30}, "compare_steps must differ from the 30 steps"),
        ({"compare_steps": 100}, "compare_steps must differ from the 100 steps"),
        ({"batch_size": 0}, "between 1 and the 320"),
        ({"batch_size": 321}, "between 1 and the 320"),
    ],
)
def test_a_sweep_that_cannot_be_made_is_refused(tmp_path: Path, options: dict[str, float], words: str) -> None:
    heard = Heard()
    with pytest.raises(InputError, match=words):
        single.lr_range(make_task(), out=tmp_path / "study", progress=heard, **options)  # type: ignore[arg-type]
    assert heard.costs == []


def test_the_smallest_rate_comes_from_short_runs_below_the_peak(tmp_path: Path) -> None:
    reading = single.min_lr(make_task(), out=tmp_path / "study", max_lr=0.1, steps=60)
    assert reading.outcome == "found"
    assert reading.suggested_lr is not None
    assert 0.1 / 40 <= reading.suggested_lr <= 0.1 / 10
    assert reading.ways["a"] == (pytest.approx(0.1 / 4), pytest.approx(0.1 / 3))
    with Study.open(tmp_path / "study") as study:
        (experiment,) = study.experiments()
        assert len(experiment.arms) == 5
        assert all(arm.run.spec.total_steps == 60 for arm in experiment.arms)


def test_without_a_peak_a_range_test_comes_first(tmp_path: Path) -> None:
    reading = single.min_lr(make_task(), out=tmp_path / "study", steps=40)
    with Study.open(tmp_path / "study") as study:
        experiments = {experiment.probe: experiment for experiment in study.experiments()}
    assert list(experiments) == ["bracket", "lr_range", "min_lr"]
    suggestion = next(finding.value for finding in experiments["lr_range"].findings if finding.kind == "suggestion")
    assert max(arm.value or 0 for arm in experiments["min_lr"].arms) == pytest.approx((suggestion or 0) / 3)
    assert reading.outcome == "found"


@pytest.mark.parametrize("peak", [0.0, -0.1, math.nan, math.inf])
def test_a_peak_must_be_a_rate(tmp_path: Path, peak: float) -> None:
    with pytest.raises(InputError, match="max_lr must be finite and > 0"):
        single.min_lr(make_task(), out=tmp_path / "study", max_lr=peak)


@pytest.mark.parametrize("steps", [-3, 0, 19])
def test_runs_too_short_to_read_are_refused(tmp_path: Path, steps: int) -> None:
    with pytest.raises(BudgetError, match="at least 20 steps"):
        single.min_lr(make_task(), out=tmp_path / "study", max_lr=0.1, steps=steps)
