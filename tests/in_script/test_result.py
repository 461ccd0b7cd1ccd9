"""The record: JSON and back, the reading's verbs, and figures that nobody shows."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import record_strategies as records
from torch import nn

import tunesmith as ts
from tunesmith.curve import Curve
from tunesmith.in_script.joining import join
from tunesmith.reading.range_test import RangeOutcome, read_range

INTERVALS = st.none() | st.tuples(records.FINITE, records.FINITE)


def results() -> st.SearchStrategy[ts.LrRangeTest]:
    return st.builds(
        ts.LrRangeTest,
        outcome=st.sampled_from(RangeOutcome), suggested_lr=st.none() | records.FINITE, interval=INTERVALS, zone=INTERVALS, edge=INTERVALS,
        findings=st.lists(records.findings(), max_size=2).map(tuple), advice=records.SENTENCES, start_lr=st.floats(0, 1), end_lr=st.floats(1, 9),
        steps=records.LENGTHS, spacing=st.sampled_from(["linear", "exponential"]), runs=st.lists(records.curves(), min_size=1, max_size=3).map(tuple),
    )  # fmt: skip


def sweep_of(edge: float, *, n: int = 100, wobble: float = 0.0) -> Curve:
    lrs = tuple(i / n for i in range(1, n + 1))
    losses = tuple(1.0 - 0.6 * min(1.0, lr / 0.3) + (5.0 if lr > edge else 0.0) + wobble * math.sin(37.0 * i) for i, lr in enumerate(lrs))
    return Curve(lr=lrs, momentum=lrs, train_loss=losses, eval_step=(), valid_loss=())


def result_of(*runs: Curve, spacing: str = "linear") -> ts.LrRangeTest:
    return join(runs, start_lr=0.01, end_lr=1.0, steps=100, spacing=spacing)


def flat() -> Curve:
    lrs = tuple(i / 100 for i in range(1, 101))
    return Curve(lr=lrs, momentum=lrs, train_loss=(1.0,) * 100, eval_step=(), valid_loss=())


@settings(max_examples=40)
@given(results())
def test_it_survives_json(result: ts.LrRangeTest) -> None:
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    again = ts.LrRangeTest.from_dict(data)
    assert again.to_dict() == result.to_dict()
    assert (again.outcome, again.suggested_lr, again.zone, again.edge, again.findings) == (
        result.outcome, result.suggested_lr, result.zone, result.edge, result.findings,
    )  # fmt: skip


def test_one_run_is_the_reading_of_it() -> None:
    curve = sweep_of(0.8)
    result, reading = result_of(curve), read_range(curve)
    assert {name: value for name, value in result.to_dict().items() if name in reading.to_dict()} == reading.to_dict()
    assert result.suggestion() == reading.suggestion()
    assert result.history is curve


def test_repeats_join_to_medians_and_a_reach() -> None:
    runs = [sweep_of(0.5), sweep_of(0.8), sweep_of(0.6), flat()]
    single = [read_range(run) for run in runs[:3]]
    result = result_of(*runs)
    suggestions = sorted(reading.suggestion() for reading in single)
    assert result.outcome is RangeOutcome.FOUND
    assert result.suggestion() == suggestions[1]
    assert result.interval == (suggestions[0], suggestions[2])
    assert result.edge == (min(reading.edge[0] for reading in single), max(reading.edge[1] for reading in single))
    assert result.findings[-1].confidence == 0.75
    assert "3 of 4 sweeps" in result.findings[-1].evidence


def test_where_two_outcomes_are_as_frequent_the_one_that_claims_less_counts() -> None:
    assert result_of(sweep_of(0.8), flat()).outcome is RangeOutcome.FLAT


def test_apply_keeps_ratios_over_groups_and_optimizers() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    one = torch.optim.SGD([{"params": weights[:1], "lr": 0.02}, {"params": weights[1:2], "lr": 0.01}])
    other = torch.optim.Adam(weights[2:], lr=torch.tensor(0.002))
    held = other.param_groups[0]["lr"]
    result = result_of(sweep_of(0.8))
    result.apply([one, other])
    assert [group["lr"] for group in one.param_groups] == pytest.approx([result.suggestion(), result.suggestion() / 2])
    assert other.param_groups[0]["lr"] is held
    assert held.item() == pytest.approx(result.suggestion() / 10)


def test_without_a_suggestion_nothing_is_applied() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    with pytest.raises(ts.CurveError, match="ended with 'flat'"):
        result_of(flat()).apply(optimizer)
    assert optimizer.param_groups[0]["lr"] == 0.3


class TestPlot:
    def test_axes_come_back_and_can_be_saved(self, tmp_path: Path) -> None:
        had_pyplot = "matplotlib.pyplot" in sys.modules  # another test's library may load it
        ax = result_of(sweep_of(0.8)).plot()
        ax.figure.savefig(tmp_path / "sweep.png")
        assert (tmp_path / "sweep.png").stat().st_size > 5000
        assert ax.get_xscale() == "linear"
        assert ("matplotlib.pyplot" in sys.modules) is had_pyplot

    def test_repeats_are_a_band_on_the_axes_given(self) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only here)

        given_ = Figure().subplots()
        ax = result_of(sweep_of(0.8, wobble=0.1), sweep_of(0.7, wobble=0.2), spacing="exponential").plot(ax=given_)
        assert ax is given_
        assert ax.get_xscale() == "log"
        assert any("2 repeats" in text.get_text() for text in ax.get_legend().get_texts())

    @pytest.mark.parametrize("n", [1, 2, 12])
    def test_a_sweep_that_was_lost_at_once_is_drawn_too(self, n: int) -> None:
        short = Curve(lr=(0.1,) * n, momentum=(0.9,) * n, train_loss=(math.nan,) * n, eval_step=(), valid_loss=())
        result_of(short, short).plot()
