"""A diagnosis as text, as JSON and as a page; what explains the clues; the clues in a study's report."""

import dataclasses
import json
import math
import re
import textwrap
from pathlib import Path

import pytest
from strange_study import HOSTILE
from test_html import ATTRIBUTES, TAGS, Reader, without_scripts

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, NotRead, Outlook, OutlookOutcome, PairOutlook
from tunesmith.finding import Finding
from tunesmith.log import Series, StepUnit, TrainingLog
from tunesmith.reading.clues import KINDS
from tunesmith.report.diagnosis_page import diagnosis_html, write_diagnosis
from tunesmith.report.diagnosis_text import all_explanations_text, all_explanations_to_json, clue_text, diagnosis_text, diagnosis_to_json
from tunesmith.report.evidence import read_evidence
from tunesmith.report.explanations import EXPLANATIONS, KNOBS
from tunesmith.report.html import report_html
from tunesmith.study import Study

STEPS = [100 * i for i in range(101)]


def make_curve(kind: str = "overfitting", *, name: str = "log.csv", file: str | None = "logs/log.csv", unit: StepUnit = StepUnit.STEP) -> CurveDiagnosis:
    log = TrainingLog(
        name=name,
        source="CSV",
        step_unit=unit,
        train_loss=Series.of(STEPS, [2 * math.exp(-step / 2000) for step in STEPS]),
        valid_loss=Series.of(STEPS, [2 * math.exp(-step / 2000) + max(0, step - 4200) / 5000 for step in STEPS]),
        columns={"step": "iter", "train_loss": "train_loss", "valid_loss": "dev nll"},
        unused=("momentum",),
        notes=("The log has only 2 points.",),
    )
    findings = (
        Finding(kind=kind, since_step=4200, confidence=0.9, evidence="The loss rose", not_established="Other seeds", action="Raise the learning rate"),
        Finding(kind="plateaued", confidence=0.6, evidence="Level.", not_established=""),
    )
    return CurveDiagnosis(log=log, findings=findings, file=file)


def hostile_diagnosis() -> Diagnosis:
    log = TrainingLog(
        name=HOSTILE, source=HOSTILE, step_unit=StepUnit.STEP, valid_loss=Series.of([0, 1], [2, 1]), columns={HOSTILE: HOSTILE}, unused=(HOSTILE,)
    )
    finding = Finding(kind=HOSTILE, since_step=1, confidence=0.9, evidence=HOSTILE, not_established=HOSTILE, action=HOSTILE)
    curve = CurveDiagnosis(log=log, findings=(finding,), file=HOSTILE, run=HOSTILE)
    return Diagnosis(curves=(curve, curve, curve), outlook=make_outlook(evidence=HOSTILE), not_read=(NotRead(file=HOSTILE, why=HOSTILE),))


def make_outlook(*, evidence: str = "The first half.", outcome: OutlookOutcome = OutlookOutcome.DECIDED) -> Outlook:
    pairs = (PairOutlook(better=1, worse=0, probability=0.9, outcome=outcome, evidence=evidence),)
    best = 1 if outcome is OutlookOutcome.DECIDED else None
    return Outlook(outcome=outcome, best=best, probability=0.9, pairs=pairs, evidence=evidence, not_established=evidence, action=evidence)


def wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 100, subsequent_indent="    ")


def test_the_text_is_a_verdict_then_clue_evidence_and_action() -> None:
    assert diagnosis_text(Diagnosis(curves=(make_curve(),))).splitlines() == [
        "logs/log.csv",
        "Verdict: overfitting since step 4,200 of 10,000 (confident)",
        *wrapped(f"  Clue: {clue_text('overfitting')}"),
        "  Evidence: The loss rose.",
        "  Do: Raise the learning rate.",
        "  Not established: Other seeds.",
        "",
        "Also: plateaued (likely)",
        *wrapped(f"  Clue: {clue_text('plateaued')}"),
        "  Evidence: Level.",
        "  Do: Nothing.",
        "",
        "Note: The log has only 2 points.",
        "",
        "Columns: step from 'iter', train loss and valid loss from 'dev nll'.",
        "Not used: momentum.",
    ]


def test_the_text_says_the_unit_of_the_log() -> None:
    assert "since epoch 4,200 of 10,000" in diagnosis_text(Diagnosis(curves=(make_curve(unit=StepUnit.EPOCH),)))


def test_the_text_ends_with_the_comparison() -> None:
    curves = (make_curve(), make_curve("balanced", file="logs/other.csv"))
    text = diagnosis_text(Diagnosis(curves=curves, outlook=make_outlook()))
    assert "Which will end better: other.csv (probability 90 %)\n  Evidence: The first half." in text
    unsure = Diagnosis(curves=curves, outlook=make_outlook(outcome=OutlookOutcome.CANNOT_TELL))
    assert "Which will end better: cannot tell yet" in diagnosis_text(unsure)
    three = Diagnosis(curves=(*curves, make_curve(file="c.csv")), outlook=make_outlook())
    text = diagnosis_text(three)
    assert "  - logs/other.csv: better than 1, worse than 0, undecided against 1\n  - c.csv: better than 0, worse than 0, undecided against 2" in text
    assert text.count("Columns: ") == 1
    level = Diagnosis(curves=three.curves, outlook=make_outlook(outcome=OutlookOutcome.CANNOT_TELL))
    assert "better than 0" not in diagnosis_text(level)


def test_nothing_to_do_is_no_reassurance_where_the_curve_does_not_tell() -> None:
    sure, unsure = (Finding(kind="balanced", confidence=confidence, evidence="Level.", not_established="") for confidence in (0.9, 0.3))
    said = [diagnosis_text(Diagnosis(curves=(dataclasses.replace(make_curve(), findings=(one,)),))) for one in (sure, unsure)]
    assert ["Do: Nothing." in text for text in said] == [True, False]
    assert "Verdict: balanced (tentative)" in said[1]
    assert "Do: This curve does not tell." in said[1]


def test_the_text_explains_on_demand() -> None:
    diagnosis = Diagnosis(curves=(make_curve(),))
    explained = " ".join(diagnosis_text(diagnosis, explains=True).split())
    assert EXPLANATIONS["overfitting"].means in explained
    assert all(knob in explained for knob in EXPLANATIONS["overfitting"].knobs)
    assert all(knob.large in explained for knob in KNOBS)
    assert EXPLANATIONS["overfitting"].means not in " ".join(diagnosis_text(diagnosis).split())


@pytest.mark.parametrize("columns", [40, 100, 300])
@pytest.mark.parametrize("explains", [False, True])
def test_no_line_is_too_long_and_nothing_hostile_gets_through(*, explains: bool, columns: int) -> None:
    for diagnosis in (Diagnosis(curves=(make_curve(name="x" * 300, file="y" * 300),)), hostile_diagnosis()):
        text = diagnosis_text(diagnosis, explains=explains, columns=columns)
        assert all(len(line) <= min(columns, 100) for line in text.splitlines())
        assert not {"\x1b", "\u202e"} & set(text)


def test_the_json_is_the_documented_one() -> None:
    made = diagnosis_to_json(Diagnosis(curves=(make_curve(),), not_read=(NotRead(file="b.csv", why="It is empty."),)))
    document = json.loads(json.dumps(made, allow_nan=False))
    assert document == made
    assert set(document) == {"version", "curves", "comparison", "not_read"}
    assert (document["version"], document["comparison"], document["not_read"]) == (1, None, [{"file": "b.csv", "why": "It is empty."}])
    (curve,) = document["curves"]
    assert isinstance(curve, dict)
    assert (curve["file"], curve["run"], curve["verdict"], curve["step_unit"], curve["last_step"]) == ("logs/log.csv", None, "overfitting", "step", 10000)
    assert curve["columns"] == {"step": "iter", "train_loss": "train_loss", "valid_loss": "dev nll"}
    assert curve["notes"] == ["The log has only 2 points."]
    finding = curve["findings"][0]
    assert set(finding) == {"kind", "since_step", "value", "interval", "confidence", "evidence", "not_established", "action"}


def test_every_kind_is_explained_and_no_other() -> None:
    assert set(EXPLANATIONS) == set(KINDS)
    assert all(explanation.means for explanation in EXPLANATIONS.values())
    assert [kind for kind, explanation in EXPLANATIONS.items() if not explanation.knobs] == ["balanced"]


def test_all_explanations_hold_every_clue_and_knob() -> None:
    text = " ".join(all_explanations_text().split())
    assert all(rule in text for rule in KINDS.values())
    assert all(knob.large in text and knob.trades in text for knob in KNOBS)
    document = json.loads(json.dumps(all_explanations_to_json()))
    assert [kind["kind"] for kind in document["kinds"]] == list(KINDS)


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_the_page_is_well_formed_offline_and_escaped(name: str) -> None:
    curves = (make_curve(), make_curve("unstable"))
    diagnosis = Diagnosis(curves=curves, outlook=make_outlook()) if name == "plain" else hostile_diagnosis()
    document = diagnosis_html(diagnosis)
    reader = Reader(document)
    assert reader.open == []
    assert set(reader.tags) <= TAGS
    assert {name for name, _ in reader.attributes} <= ATTRIBUTES
    assert reader.tags.count("script") == 3
    assert not re.search(r"https?:|url\(|@import", without_scripts(document))
    assert not {"\x1b", "\u202e"} & set(without_scripts(document))
    text = "".join(reader.text)
    if name == "plain":
        assert "Which will end better: log.csv" in text
        assert '<div><span class="word">Evidence: </span>The loss rose.</div><div><span class="word">Do: </span>Raise the learning rate.</div>' in document
        assert all(knob in text for knob in EXPLANATIONS["unstable"].knobs)
    else:
        assert "<script>alert(1)</script></script><img src=x onerror=alert(2)>&amp;<!-- %{x} {0}" in text


def test_the_page_of_one_curve_is_headed_by_its_verdict(tmp_path: Path) -> None:
    write_diagnosis(Diagnosis(curves=(make_curve(),)), tmp_path / "page.html")
    assert "<h1>Overfitting since step 4,200 of 10,000 (confident)</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_study_shows_the_clues_of_its_confirming_run(recommended: Study) -> None:
    document = report_html(read_evidence(recommended))
    section = document.split('<section id="section-clues">')[1].split("</section>")[0]
    assert "<h2>The clues</h2>" in section
    assert re.search(r"Losses of .*, clues marked", section)
    assert '<ul class="findings">' in section


def test_a_study_without_a_confirming_run_has_no_such_section(any_study: Study) -> None:
    evidence = read_evidence(any_study)
    confirm = evidence.experiment("confirm")
    assert ("section-clues" in report_html(evidence)) == (confirm is not None and bool(confirm.arms))
