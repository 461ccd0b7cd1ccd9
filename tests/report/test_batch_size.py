"""The section on the batch size, and what the plan and the text say of it."""

import dataclasses
import math
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from fake_study import DESCRIPTION, confirm, lr_range, make_plan, write_study
from tests.plots.test_batch_size import facts_of, sizes_tried

from tunesmith.errors import InputError
from tunesmith.experiment import Experiment, SizeTimes
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.reading.batch_size import read_batch_size
from tunesmith.report import summarize
from tunesmith.report.batch_size_charts import noise_figure, results_figure, throughput_figure, times_figure
from tunesmith.report.batch_size_words import choice_sentence, doubling_sentence, noise_sentence, ranking_sentence
from tunesmith.report.evidence import read_evidence
from tunesmith.report.html import report_html
from tunesmith.report.knobs import KnobRow, knob_rows
from tunesmith.report.story import doubts
from tunesmith.settings import Json

TRIED: dict[int, float | tuple[float, ...]] = {64: 1.0, 128: 0.9, 256: 1.1}


def as_decided(experiment: Experiment) -> Experiment:
    """With findings and verdict, as the recipe stores it."""
    reading = read_batch_size(experiment, metrics={"accuracy": True})
    return dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice)


def shown(folder: Path, experiment: Experiment, **description: Json) -> tuple[str, str, KnobRow]:
    """The page without its scripts, the text in one line, and the plan's row."""
    experiments = (lr_range(), experiment, confirm())
    with write_study(folder / "study", experiments, make_plan(StudyOutcome.RECOMMENDED, experiments), description=DESCRIPTION | description) as study:
        evidence = read_evidence(study)
        document, text = report_html(evidence), summarize(study)
        row = next(row for row in knob_rows(evidence) if row.name == "batch_size")
    assert max(map(len, text.splitlines())) <= 100
    return re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL), " ".join(text.split()), row


def section(document: str) -> str:
    return document[document.index('id="section-batch-size"') :].split("</section>", maxsplit=1)[0]


def row_of(part: str, first: str) -> list[str]:
    """Cells of the row of a size, without their elements."""
    body = next(row for row in part.split("<tr>") if re.match(rf"<td[^>]*>(<b>)?{first}<", row))
    return re.findall(r">([^<>]*)(?:</b>)?</td>", body)


def test_the_section_shows_the_sizes_and_what_runs_of_the_same_time_ended_with(tmp_path: Path) -> None:
    document, _, _ = shown(tmp_path, as_decided(sizes_tried(TRIED)))
    part = section(document)
    assert part.count('class="plot"') == 4
    assert row_of(part, "32") == ["32", "10 ms", "3,200", "2.17", "", "", "", "", ""]
    assert row_of(part, "128")[:6] == ["128", "13 ms", "9,846", "1", "85", "0.1"]
    assert "<b>128</b>" in part
    assert "<b>0.9</b>" in part
    assert "and the others were held against 64" in part
    assert "Batch size 128 is predicted to reach the same loss soonest; 256 is within 15 % of it." in part
    assert "throughput changes 4-fold; from 256 on it is within a fifth of the best" in part
    assert "goes like the batch size to the power" in part


def test_the_noise_scale_is_told_in_examples_with_how_it_grew_and_what_doubling_does(tmp_path: Path) -> None:
    experiment = sizes_tried(TRIED, growth=2.0)
    facts = facts_of(experiment)
    assert facts.noise is not None
    assert facts.noise.value is not None
    said = noise_sentence(facts)
    assert said.startswith(f"Noise scale of the gradients: {facts.noise.value:,.0f} examples (")
    assert "from 6 samples after 200 to 380 updates" in said
    assert "It grew from" in said
    size = facts.chosen.size.batch_size
    saved = 1 - (1 + facts.noise.value / (2 * size)) / (1 + facts.noise.value / size)
    assert f"would save {100 * saved:.0f} % of the updates" in doubling_sentence(facts)
    document, text, _ = shown(tmp_path, as_decided(experiment))
    assert "Far below it, doubling the batch nearly halves the updates" in section(document)
    assert said in text
    assert "Use batch size" in text


def test_how_much_it_matters_is_a_time_and_no_loss(tmp_path: Path) -> None:
    _, text, row = shown(tmp_path, as_decided(sizes_tried(TRIED)))
    assert (row.effect.matters, row.effect.text) == (True, "2.17 times as long to the same loss at 32, as predicted")
    assert "What matters:" in text


def test_sizes_that_are_equally_fast_do_not_matter(tmp_path: Path) -> None:
    level = {64: 0.010, 128: 0.0155}
    _, _, row = shown(tmp_path, as_decided(sizes_tried({64: 1.0}, seconds=level, scale=100.0)))
    assert (row.effect.matters, row.effect.text) == (False, "no size from 64 to 128 is predicted to be 15 % slower than the fastest")


def test_where_another_than_the_fastest_is_taken_the_reason_is_said() -> None:
    stays = facts_of(sizes_tried({64: 1.0}, seconds={64: 0.010, 128: 0.0145}))
    assert choice_sentence(stays).endswith("less than 15 % counts as equal, and the first one tried stays.")
    lost = sizes_tried({64: (1.0, 1.01), 128: (2.0, 2.01)}, seconds={64: 0.010, 128: 0.011})
    assert lost.times is not None
    lost = dataclasses.replace(lost, times=dataclasses.replace(lost.times, contenders=(64, 128)))
    assert choice_sentence(facts_of(lost)).endswith(": runs of the same time did not bear out 128.")


def test_loss_and_metric_that_rank_differently_are_both_shown(tmp_path: Path) -> None:
    facts = facts_of(sizes_tried(TRIED))
    assert ranking_sentence(facts, {"loss": False}) == ""
    assert ranking_sentence(facts, {"loss": False, "accuracy": True}).endswith("They rank alike.")
    said = ranking_sentence(facts, {"loss": False, "accuracy": False})
    assert said.startswith("In the same time, best first: by loss 128, 64, 256 and by accuracy 256, 64, 128. They rank differently")
    assert said.endswith("The loss decides, as was fixed beforehand.")
    document, _, _ = shown(tmp_path, as_decided(sizes_tried(TRIED)), metrics={"accuracy": True})
    assert "They rank alike." in section(document)


def test_without_a_prediction_nothing_is_claimed(tmp_path: Path) -> None:
    """Gradients that are all noise, and one size that was run."""
    document, text, row = shown(tmp_path, as_decided(sizes_tried({64: 1.0}, square=-10.0)))
    part = section(document)
    assert row.effect.matters is None
    assert "Noise scale of the gradients: not known" in part
    assert "Which batch size is fastest is not known: 64 stays." in part
    assert "Predicted time" not in part
    assert "inf" not in part.lower().replace("infl", "")
    assert "not known" in text


def test_an_open_interval_has_a_lower_end_only() -> None:
    said = noise_sentence(facts_of(sizes_tried(TRIED, spread=3.0)))
    assert ", with no " in said
    assert "inf" not in said


def test_waiting_for_data_has_a_column_where_it_takes_much(tmp_path: Path) -> None:
    bound = as_decided(sizes_tried(TRIED, loading={32: 0.006, 64: 0.0088, 128: 0.012, 256: 0.019, 512: 0.039}))
    document, _, _ = shown(tmp_path, bound)
    part = section(document)
    assert "Waiting for data" in part
    assert row_of(part, "64")[3] == "80 %"
    assert "Bound by loading data" in part


def test_a_study_without_a_time_model_is_shown_as_runs(tmp_path: Path) -> None:
    document, _, row = shown(tmp_path, as_decided(sizes_tried(TRIED, is_sampled=False, seconds=None)))
    assert section(document).count('class="plot"') == 2
    assert row.effect.text.endswith(" at 256")


def test_gradient_samples_without_a_time_model_have_no_seconds(tmp_path: Path) -> None:
    document, _, _ = shown(tmp_path, as_decided(sizes_tried(TRIED, seconds=None)))
    part = section(document)
    assert " ms" not in part
    assert "xamples a second" not in part


def test_runs_that_failed_are_said_so(tmp_path: Path) -> None:
    document, _, _ = shown(tmp_path, as_decided(sizes_tried({64: 1.0, 128: math.inf, 256: (0.9, math.nan)})))
    assert row_of(section(document), "128")[-1] == "did not finish"


def test_why_nothing_was_compared_is_said(tmp_path: Path) -> None:
    found = Finding(kind="batch_size", value=64.0, confidence=0.5, evidence="It was fixed.", not_established="That another batch size is not better.")
    plan = dataclasses.replace(make_plan(StudyOutcome.RECOMMENDED, (lr_range(),)), findings=(found,))
    with write_study(tmp_path / "study", (lr_range(),), plan) as study:
        row = next(row for row in knob_rows(read_evidence(study)) if row.name == "batch_size")
    assert (row.effect.matters, row.effect.text) == (None, "not tested: it was fixed")


def test_doubts_on_the_batch_size_are_named_so(tmp_path: Path) -> None:
    experiment = as_decided(sizes_tried(TRIED))
    ladder = dataclasses.replace(lr_range(), probe="ladder", findings=experiment.findings)
    with write_study(tmp_path / "study", (ladder, experiment), None) as study:
        subjects = {subject for subject, doubt in doubts(read_evidence(study)) if "noise scale" in doubt}
    assert subjects == {"Batch size"}


def test_times_that_are_none_are_no_record() -> None:
    for seconds in ({64: 0.0, 128: 1.0}, {0: 0.1, 64: 1.0}, {64: math.nan}, {64: math.inf}):
        with pytest.raises(InputError, match="finite seconds > 0"):
            SizeTimes(seconds_per_step=seconds, n_train=1000)


@pytest.mark.parametrize(
    "experiment",
    [
        sizes_tried(TRIED),
        sizes_tried({64: 1.0, 128: math.inf, 256: (0.9, math.nan)}),
        sizes_tried({64: 1.0}, square=-10.0),
        sizes_tried({64: 1.0}, scale=0.0),
        sizes_tried(TRIED, spread=3.0),
        sizes_tried({64: 1.0}, seconds={64: 0.01}),
    ],
)
def test_plotly_takes_the_figures(experiment: Experiment) -> None:
    facts = facts_of(experiment)
    for make in (times_figure, throughput_figure, noise_figure, results_figure):
        go.Figure(make(facts))  # raises on a property that plotly does not know


def test_a_size_that_failed_on_a_seed_is_not_ranked(tmp_path: Path) -> None:
    experiment = as_decided(sizes_tried({64: (1.0, 1.1), 128: (0.9, 0.95), 256: (0.5, math.nan)}))
    document, _, _ = shown(tmp_path, experiment, metrics={"accuracy": True})
    part = section(document)
    assert row_of(part, "256")[-1] == "not on every seed"
    assert "by loss 128, 64 and by accuracy 128, 64" in part
    assert "A cross: did not finish." in part
