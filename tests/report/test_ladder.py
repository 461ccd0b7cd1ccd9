"""The section on the ladder, its place in the report, and what the plan and the text say of it."""

import dataclasses
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from fake_study import bracket, confirm, current, lr_range, make_plan, write_study
from tests.reading.test_ladder import COLD, HOT, LOWEST, WARM, ladder

from tunesmith.experiment import Experiment
from tunesmith.plan import StudyOutcome
from tunesmith.plots.ladder_facts import ladder_facts
from tunesmith.reading import read_ladder
from tunesmith.report import study_to_json, summarize
from tunesmith.report.evidence import read_evidence
from tunesmith.report.html import report_html
from tunesmith.report.knobs import knob_rows
from tunesmith.report.ladder_charts import lengths_figure, peaks_figure
from tunesmith.study import Study

HOSTILE = "<script>alert(1)</script><!-- %{x} $\\frac$ \x1b[31m"
RUNGS = {50: LOWEST, 125: {WARM: 0.5, COLD: 0.6}, 250: {WARM: 0.2}, 500: {WARM: 0.201}}


def study_of(folder: Path, experiment: Experiment) -> Study:
    experiments = (bracket(), lr_range(), experiment, confirm(), current())
    return write_study(folder, experiments, make_plan(StudyOutcome.RECOMMENDED, experiments), description={"recipe": "ladder"})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    made = dataclasses.replace(ladder(RUNGS), verdict="The plan has 250 updates.")
    return study_of(tmp_path_factory.mktemp("ladder") / "study", made)


def visible(document: str) -> str:
    return re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL)


def test_what_was_tried_comes_after_what_it_led_to(study: Study) -> None:
    assert re.findall(r"<h2>(.*?)</h2>", report_html(read_evidence(study))) == [
        "The plan", "Code to paste", "Confirmed", "Ladder of lengths", "Range tests", "The clues", "What matters and what does not",
        "What is not established", "What it cost", "Settings of the study",
    ]  # fmt: skip


def test_the_section_says_who_won_and_where_it_became_level(study: Study) -> None:
    document = visible(report_html(read_evidence(study)))
    assert "From 250 updates on longer runs end no better. Best at 250 updates: lr 0.16, momentum 0.95, total decay 0.1." in document
    assert "11 runs, each annealed to its end, seeds 0 and 1; not smoothed." in document
    assert "A cross, and failed in the table: did not finish" in document
    row = document[document.index('class="sign"') :]
    assert [cell in row[: row.index("</tr>")] for cell in ("<b>0.81 (2)</b>", "<b>0.5</b>", "<b>0.2</b>", "<b>0.201</b>")] == [True] * 4
    assert "0.16 is best, and can be told from 0.064 and 0.4" in document
    assert "0.95 is best, but 0.9 cannot be told from it" in document


def test_the_plan_says_how_much_each_knob_did(study: Study) -> None:
    effects = {row.title: (row.effect.matters, row.effect.text) for row in knob_rows(read_evidence(study))}
    assert effects["Peak learning rate"] == (True, "loss +50 % at 0.064; 0.4 failed")
    assert effects["Momentum"] == (False, "no difference seen from 0.9 to 0.95")
    assert effects["Weight decay"] == (True, "loss +19 % at total decay 1")
    assert effects["Length"] == (True, "loss -75 % from 50 to 500 updates; no gain from 250 on")
    assert effects["Total batch size"] == (None, "not tested")


def test_the_text_has_the_same_table(study: Study) -> None:
    text = summarize(study)
    assert max(map(len, text.splitlines())) <= 100
    assert re.search(r"0\.16 +0\.95 +0\.1 +0\.81 \(2\) \* +0\.5 \* +0\.2 \* +0\.201 \*", text)
    assert re.search(r"0\.4 +0\.95 +0\.1 +failed\n", text)
    assert "- Momentum: 0.95 is best, but 0.9 cannot be told from it." in text
    assert [experiment["probe"] for experiment in study_to_json(study)["experiments"]].count("ladder") == 1  # type: ignore[index,union-attr]


def test_one_seed_and_one_length_are_said(tmp_path: Path) -> None:
    with study_of(tmp_path / "study", ladder({50: {WARM: 0.8, COLD: 1.2, HOT: 0.9}})) as made:
        evidence = read_evidence(made)
        effects = {row.title: row.effect.text for row in knob_rows(evidence)}
        document = visible(report_html(evidence))
    assert effects["Peak learning rate"] == "loss +50 % at 0.064, on one seed"
    assert effects["Length"] == "not tested"
    assert "One length was tried." in document
    assert "the noise between seeds is not known" in document


def test_a_ladder_on_which_nothing_finished_is_shown(tmp_path: Path) -> None:
    with study_of(tmp_path / "study", ladder({50: {WARM: float("inf"), COLD: float("inf")}})) as made:
        document = visible(report_html(read_evidence(made)))
        assert "Ladder of lengths" in summarize(made)
    assert "No run finished." in document


@pytest.mark.parametrize("rungs", [RUNGS, {50: {WARM: 0.8}}, {50: {WARM: float("inf")}, 125: {WARM: float("inf")}}, {50: {WARM: -0.8}, 125: {WARM: -1.5}}])
def test_plotly_takes_the_figures(rungs: dict[int, dict[tuple[float, float, float], float | tuple[float, ...]]]) -> None:
    facts = ladder_facts(read_ladder(ladder(rungs)))
    for spec in (lengths_figure(facts), peaks_figure(facts)):
        go.Figure(spec)  # raises on a property that plotly does not know


def test_a_strangers_study_cannot_write_into_the_page(tmp_path: Path) -> None:
    made = ladder(RUNGS)
    arms = tuple(
        dataclasses.replace(arm, label=HOSTILE, run=dataclasses.replace(arm.run, spec=dataclasses.replace(arm.run.spec, condition=HOSTILE)))
        for arm in made.arms
    )
    with study_of(tmp_path / "study", dataclasses.replace(made, arms=arms, verdict=HOSTILE)) as study:
        document, text = report_html(read_evidence(study)), summarize(study)
    assert "<script>alert" not in document
    assert "\x1b" not in document + text
    assert "&lt;script&gt;alert(1)" in document


def test_runs_that_are_no_cycles_are_shown_as_numbers(tmp_path: Path) -> None:
    with study_of(tmp_path / "study", dataclasses.replace(lr_range(), probe="ladder")) as made:
        document = visible(report_html(read_evidence(made)))
        summarize(made)
    assert "The numbers: 2 runs" in document
