"""The figure of a curve and its clues: its numbers, its labels, and strange curves."""

import json
import math
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, Outlook, OutlookOutcome
from tunesmith.finding import Finding
from tunesmith.log import NOTHING, Series, StepUnit, TrainingLog
from tunesmith.plots import diagnosis_figure, plot_clues, plot_diagnosis
from tunesmith.plots.clue_facts import clue_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.clues import KINDS
from tunesmith.reading.clues.line import line_of
from tunesmith.reading.smoothing import smooth
from tunesmith.report.clue_chart import clue_figure

DOWN = [2.5 * 0.9**i + 0.5 for i in range(60)]
STEPS = [10 * i for i in range(60)]


def make_curve(
    *,
    train: Series = NOTHING,
    valid: Series | None = None,
    lr: Series = NOTHING,
    marks: tuple[tuple[str, int | None], ...] = (("overfitting", 200),),
    unit: StepUnit = StepUnit.STEP,
    file: str | None = None,
) -> CurveDiagnosis:
    valid = Series.of(STEPS, DOWN) if valid is None else valid
    findings = tuple(Finding(kind=kind, since_step=step, confidence=0.9, evidence="", not_established="") for kind, step in marks)
    return CurveDiagnosis(log=TrainingLog(name="log", source="CSV", step_unit=unit, train_loss=train, valid_loss=valid, lr=lr), findings=findings, file=file)


def test_a_curve_shows_raw_and_smoothed_losses_and_its_clue() -> None:
    curve = make_curve(train=Series.of(STEPS, [value - 0.2 for value in DOWN]))
    ax, facts = plot_clues(curve), clue_facts(curve)
    drawn = [(tuple(line.get_xdata()), to_hex(line.get_color())) for line in ax.lines[:4]]
    assert drawn == [(facts.train.x, TRAINING), (facts.train_smooth.x, TRAINING), (facts.valid.x, VALIDATION), (facts.valid_smooth.x, VALIDATION)]
    (mark,) = facts.marks
    assert (mark.step, mark.text, to_hex(ax.texts[0].get_color())) == (200.0, "overfitting", WARNING)
    assert mark.height == pytest.approx(np.interp(200, STEPS, DOWN), rel=0.05)
    assert ax.get_title(loc="left") == "log\noverfitting since step 200"
    assert not ax.child_axes


def test_the_learning_rate_has_a_panel_of_its_own() -> None:
    ax = plot_clues(make_curve(lr=Series.of(STEPS, [0.1] * 30 + [0.01] * 30)))
    (panel,) = ax.child_axes
    assert panel.get_xlabel() == "steps"
    assert panel.get_ylim()[1] > 0.1


@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 590)), min_size=1, max_size=8))
def test_labels_do_not_overlap(marks: list[tuple[str, int]]) -> None:
    facts = clue_facts(make_curve(marks=tuple(marks)))
    for row in range(8):
        spans = []
        for mark in (one for one in facts.marks if one.row == row):
            place, width = mark.step / 590, len(mark.text) / 85
            spans.append((place - width, place) if mark.is_left else (place, place + width))
        spans.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_labels_as_drawn_do_not_overlap() -> None:
    marks = (("early_overfitting_hump", 250), ("metrics_disagree", 260), ("unstable", 580), ("balanced", 585), ("oscillating", 10))
    ax = plot_clues(make_curve(marks=marks))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[at + 1 :])


def test_a_wild_first_loss_does_not_flatten_the_rest() -> None:
    facts = clue_facts(make_curve(valid=Series.of(STEPS, [87.3, *DOWN[1:]])))
    assert facts.y_range[1] < 4
    assert (facts.exits[0].step, facts.exits[0].is_top) == (0, True)


def test_a_lost_run_leaves_the_figure_at_the_top_and_is_marked_there() -> None:
    lost = DOWN[:40] + [90.0] * 5 + [math.nan] * 10 + [math.inf] * 5
    facts = clue_facts(make_curve(valid=Series.of(STEPS, lost)))
    assert facts.y_range[1] < 4
    assert facts.x_range == (0, 590)
    (left,) = facts.exits
    assert left.is_top
    assert STEPS[37] <= left.step <= STEPS[40]


def test_a_log_of_metrics_alone_draws_the_first() -> None:
    log = TrainingLog(name="log", source="CSV", step_unit=StepUnit.EPOCH, valid_metrics={"accuracy": Series.of([1, 2, 3], [0.1, 0.5, 0.7])})
    finding = Finding(kind="too_noisy", confidence=0.3, evidence="", not_established="")
    ax = plot_clues(CurveDiagnosis(log=log, findings=(finding,)))
    assert (ax.get_ylabel(), ax.get_xlabel(), ax.get_title(loc="left")) == ("accuracy", "epochs", "log\ntoo noisy (tentative)")


def test_the_line_is_the_one_that_is_judged_and_begins_at_the_dots() -> None:
    rng = np.random.default_rng(0)
    noisy = Series.of(STEPS, [value + 0.1 * rng.standard_normal() for value in DOWN])
    judged = line_of(noisy)
    assert judged is not None
    assert clue_facts(make_curve(valid=noisy)).valid_smooth.y[10:] == tuple(judged.smoothed[10:])
    steep = [100.0 * 0.5**i + 1 for i in range(200)]
    line = clue_facts(make_curve(valid=Series.of(range(200), steep))).valid_smooth
    assert line.y[0] == pytest.approx(steep[0], rel=0.35)
    assert line.y[0] > 1.5 * smooth(steep, width_points=5)[0]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ([1e8 * 0.9**i + 2.6e5 for i in range(60)], [1.1e8 * 0.9**i + 2.6e5 for i in range(60)]),
        ([2.3 * 0.9**i for i in range(60)], DOWN),
        ([2.3 * 0.9**i for i in range(60)], [2.3 * 0.9**i + 0.15 * max(0, i - 10) for i in range(60)]),
    ],
    ids=["four decades", "towards zero", "overfits above its start"],
)
def test_the_end_of_every_line_is_in_the_figure(train: list[float], valid: list[float]) -> None:
    facts = clue_facts(make_curve(train=Series.of(STEPS, train), valid=Series.of(STEPS, valid)))
    for line in (facts.train_smooth, facts.valid_smooth):
        assert facts.y_range[0] < line.y[-1] < facts.y_range[1]
    assert facts.exits == ()


def test_what_leaves_the_figure_is_marked_where_it_does() -> None:
    spiked = [*DOWN[:30], 400.0, *DOWN[31:]]
    nothing = [2.3 * 0.5**i for i in range(60)]
    curve = make_curve(train=Series.of(STEPS, nothing), valid=Series.of(STEPS, spiked))
    facts = clue_facts(curve)
    assert {one.is_top for one in facts.exits} == {True, False}
    drawn = [line for line in plot_clues(curve).lines if line.get_marker() in ("^", "v")]
    assert sorted((np.ravel(line.get_xdata())[0], line.get_marker()) for line in drawn) == sorted((one.step, "^" if one.is_top else "v") for one in facts.exits)
    page = [trace for trace in json.loads(json.dumps(clue_figure(facts)))["data"] if trace["name"] == "leaves the figure"]
    assert len(page) == len(facts.exits)


STRANGE = st.lists(st.floats() | st.sampled_from([0.0, math.nan, math.inf, -1.0, 1e30]), max_size=12)


@pytest.mark.parametrize(
    "values",
    [[], [math.nan], [0.0], [5.6e14], [1e308, -1e308, 1.0], [math.inf, 0.0, 1e-30], [1.0] * 7, [5e-324, 1e-310, 1e-320], [-3.0, -2.0, math.nan]],
    ids=str,
)
def test_strange_losses_are_drawn_without_a_warning(values: list[float]) -> None:
    draw_strictly(values, since=3)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(STRANGE, st.integers(0, 400) | st.none())
def test_anything_is_drawn_without_a_warning(values: list[float], since: int | None) -> None:
    draw_strictly(values, since=since)


def draw_strictly(values: list[float], *, since: int | None) -> None:
    series = Series.of(range(len(values)), values)
    curve = make_curve(valid=series, train=series, lr=series, marks=(("unstable", since),))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_clues(curve).figure.draw_without_rendering()
        plot_diagnosis(Diagnosis(curves=(curve, make_curve()))).figure.draw_without_rendering()


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    curve = make_curve(file="a/$x^{$ <b>\x1b[31m\u65e5\U0010ffff.csv" + "y" * 90)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis_figure(Diagnosis(curves=(curve,))).savefig(tmp_path / "figure.png")


def test_several_curves_lie_over_one_another_with_the_outlook() -> None:
    curves = (make_curve(file="logs/a.csv"), make_curve(file="logs/b.csv"), make_curve(file="logs/c/d.csv", unit=StepUnit.EPOCH))
    outlook = Outlook(outcome=OutlookOutcome.DECIDED, best=1, probability=0.9, pairs=(), evidence="", not_established="")
    ax = plot_diagnosis(Diagnosis(curves=curves, outlook=outlook))
    assert ax.get_title(loc="left") == "b.csv will end better (probability 90 %)"
    assert ax.get_xlabel() == "share of the run, %"
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text().split(":")[0] for text in legend.get_texts()] == ["a.csv", "b.csv", "c/d.csv"]


def test_each_curve_has_a_panel_in_the_figure() -> None:
    figure = diagnosis_figure(Diagnosis(curves=(make_curve(),) * 5))
    assert sum(ax.get_visible() for ax in figure.axes) == 5


def test_a_million_points_are_thinned() -> None:
    n = 1_000_000
    facts = clue_facts(make_curve(valid=Series(step=np.arange(n, dtype=float), value=np.linspace(2.0, 1.0, n))))
    assert len(facts.valid.x) <= 601
    assert facts.valid_smooth.y[len(facts.valid_smooth.y) // 2] == pytest.approx(1.5, abs=0.01)
