"""Records of a diagnosis: their JSON, and what they know of themselves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import record_strategies as records

from tunesmith.curve import Curve
from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, NotRead, Outlook, OutlookOutcome, PairOutlook
from tunesmith.finding import Finding
from tunesmith.log import Series, StepUnit, TrainingLog, from_curve

PAIR = PairOutlook(better=1, worse=0, probability=0.9, outcome=OutlookOutcome.DECIDED, evidence="From the first half.")
OUTLOOK = Outlook(outcome=OutlookOutcome.DECIDED, best=1, probability=0.9, pairs=(PAIR,), evidence="Two curves.", not_established="Other seeds.")


def finding(kind: str = "overfitting") -> Finding:
    return Finding(kind=kind, since_step=3, confidence=0.9, evidence="One run.", not_established="Other seeds.")


@given(records.curves(), st.lists(records.findings(), min_size=1, max_size=3))
def test_a_diagnosis_survives_json(curve: Curve, findings: list[Finding]) -> None:
    one = CurveDiagnosis(log=from_curve(curve, name="run"), findings=tuple(findings), file="a.csv", run="run 1 of 2")
    diagnosis = Diagnosis(curves=(one, one), outlook=OUTLOOK, not_read=(NotRead(file="b.csv", why="It is empty."),))
    again = Diagnosis.from_dict(json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False)))
    assert again.to_dict() == diagnosis.to_dict()
    assert again.outlook == OUTLOOK
    assert (again.verdict, again.findings) == (diagnosis.verdict, tuple(findings))


@pytest.mark.parametrize(
    ("file", "run", "title"), [(None, None, "columns"), ("logs/a.csv", None, "logs/a.csv"), ("logs/a.csv", "run 1 of 2", "logs/a.csv: run 1 of 2")]
)
def test_a_curve_is_known_by_its_file_and_its_run(file: str | None, run: str | None, title: str) -> None:
    log = TrainingLog(name="columns", source="CSV", step_unit=StepUnit.STEP, valid_loss=Series.of([0, 70], [1, 2]), train_loss=Series.of([0, 99], [1, 2]))
    curve = CurveDiagnosis(log=log, findings=(finding(),), file=file, run=run)
    assert (curve.title, curve.last_step) == (title, 99)


def test_a_log_without_anything_to_read_ends_at_step_0() -> None:
    assert CurveDiagnosis(log=TrainingLog(name="x", source="CSV", step_unit=StepUnit.ROW), findings=(finding(),)).last_step == 0
