"""Figures of the report: plotly takes them, they hold the facts, and no name in them is markup."""

import json
import math
import re
from collections.abc import Iterator

import fake_study
import plotly.graph_objects as go
import pytest

from tunesmith.plots.arms import experiment_facts
from tunesmith.plots.facts import curve_facts, range_test_facts
from tunesmith.report.charts import confirm_figure, curves_figure, knob_figure, range_test_figure, sweep_figure
from tunesmith.report.evidence import read_evidence
from tunesmith.report.figure import Plots
from tunesmith.report.sections import all_sections
from tunesmith.settings import Json
from tunesmith.study import Study


def strings(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def test_plotly_takes_every_figure_of_every_study(any_study: Study) -> None:
    plots = Plots()
    all_sections(read_evidence(any_study), plots)
    json.dumps(plots.figures, allow_nan=False)
    for spec in plots.figures:
        go.Figure(spec)  # raises on a property that plotly does not know


def test_no_name_is_markup_in_a_figure(hostile: Study) -> None:
    plots = Plots()
    all_sections(read_evidence(hostile), plots)
    found = list(strings(plots.figures))
    assert any("script" in string for string in found)
    bare = [re.sub(r"<br>|</?extra>", "", string) for string in found]
    assert not [string for string in bare if set("<>\x1b\u202e") & set(string)]


def test_templates_hold_no_names(hostile: Study) -> None:
    plots = Plots()
    all_sections(read_evidence(hostile), plots)
    templates = {str(trace.get("hovertemplate")) for spec in plots.figures for trace in spec["data"]}
    assert not [template for template in templates if "script" in template]


def test_a_range_test_shows_raw_points_lines_edge_and_zone() -> None:
    curve = fake_study.lr_range().arms[-1].run.curve
    facts = range_test_facts(curve, edge=(0.91, 1.04), zone=(0.22, 0.78))
    spec = range_test_figure(facts, is_logarithmic=False, suggested=0.45)
    assert [trace["mode"] for trace in spec["data"]] == ["markers", "lines", "markers", "lines"]
    assert spec["data"][1]["y"] == pytest.approx(facts.train_smooth.y, rel=1e-4)
    spans = [(shape["x0"], shape["x1"]) for shape in spec["layout"]["shapes"]]
    assert spans == [(0.22, 0.78), (0.91, 1.04), (0.91, 0.91), (0.45, 0.45)]


def test_notes_on_a_logarithmic_axis_stand_at_logarithms_and_shapes_at_values() -> None:
    facts = range_test_facts(fake_study.lr_range().arms[-1].run.curve, edge=(0.91, 1.04))
    layout = range_test_figure(facts, is_logarithmic=True)["layout"]
    edge = next(note for note in layout["annotations"] if note["text"] == "edge")
    assert edge["x"] == pytest.approx(math.log10(0.91))
    assert layout["shapes"][0]["x0"] == 0.91
    assert layout["xaxis"]["type"] == "log"


def test_sweeps_lie_over_one_another() -> None:
    named = [(arm.label, range_test_facts(arm.run.curve)) for arm in fake_study.lr_range().arms]
    assert [trace["name"] for trace in sweep_figure(named)["data"]] == ["decay 0.003", "decay 0.0003"]


def test_results_and_curves_share_their_colours() -> None:
    experiment = fake_study.momentum()
    facts = experiment_facts(experiment, chosen=0.95, interval=(0.9, 0.97))
    dots = knob_figure(facts, title="momentum", goal="loss")
    curves = curves_figure(facts, [curve_facts(arm.run) for arm in experiment.arms], totals=[62] * 5, is_share=False, height=320)
    assert [trace["marker"]["color"] for trace in dots["data"][1:]] == [trace["line"]["color"] for trace in curves["data"]]
    assert [note["text"] for note in curves["layout"]["annotations"][1:]] == ["0.8", "0.9", "0.95", "0.97", "0.99"]


def test_a_run_that_did_not_finish_is_a_cross_at_the_top() -> None:
    facts = experiment_facts(fake_study.peak_lr())
    crosses = [trace for trace in knob_figure(facts, title="lr", goal="loss")["data"][1:] if trace["marker"]["symbol"] == "x"]
    assert [trace["y"] for trace in crosses] == [[facts.result_range[1]]] * 2


def test_clues_are_marked_where_they_begin() -> None:
    confirm = fake_study.confirm()
    spec = confirm_figure([(arm.label, curve_facts(arm.run)) for arm in confirm.arms], [], clues=confirm.findings)
    assert [shape["x0"] for shape in spec["layout"]["shapes"]] == [2180.0]
    assert spec["layout"]["yaxis"]["type"] == "log"
    assert [trace["yaxis"] for trace in spec["data"] if "yaxis" in trace] == ["y2", "y2"]
