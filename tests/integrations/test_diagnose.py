"""`ts.diagnose`: what it takes, what it gives, and that reading needs no training library."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import tunesmith as ts
from tunesmith.diagnosis import Diagnosis
from tunesmith.integrations.diagnose import diagnose, diagnose_files
from tunesmith.plots.clue_facts import clue_facts
from tunesmith.reading.clues import KINDS
from tunesmith.recipe.training import write_curve
from tunesmith.report.clue_chart import clue_figure
from tunesmith.report.diagnosis_text import diagnosis_text, diagnosis_to_json
from tunesmith.report.finite import finite_json

FIXTURES = Path(__file__).parent / "logs" / "fixtures"
COLUMNS = {
    "step": [100 * i for i in range(40)],
    "loss": [2 * math.exp(-i / 8) for i in range(40)],
    "val_loss": [2.1 * math.exp(-i / 8) + 0.1 + 0.05 * max(0, i - 15) for i in range(40)],
    "lr": [0.1] * 40,
}


def write(path: Path, columns: dict[str, list[float]] = COLUMNS) -> Path:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    return path


def curve() -> ts.Curve:
    return ts.Curve(
        lr=(0.1,) * 40,
        momentum=(0.9,) * 40,
        train_loss=tuple(COLUMNS["loss"]),
        eval_step=tuple(range(1, 41)),
        valid_loss=tuple(COLUMNS["val_loss"]),
    )


def run() -> ts.Run:
    return ts.Run(spec=ts.RunSpec(settings=ts.Settings(lr=0.1), total_steps=40, seed=7), curve=curve())


class Table:
    """As much of a DataFrame as is needed."""

    columns = tuple(COLUMNS)

    def __getitem__(self, name: str) -> list[float]:
        return COLUMNS[name]


@pytest.mark.parametrize("kind", ["path", "str", "dict", "rows", "frame", "curve", "run", "log"])
def test_any_source_is_read(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv")
    sources: dict[str, Any] = {
        "path": path,
        "str": str(path),
        "dict": COLUMNS,
        "rows": [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
        "frame": Table(),
        "curve": curve(),
        "run": run(),
        "log": diagnose(path).curves[0].log,
    }
    diagnosis = diagnose(sources[kind])
    assert len(diagnosis.curves) == 1
    assert diagnosis.outlook is None
    assert diagnosis.verdict == "overfitting"
    assert diagnosis.findings[0].since_step == pytest.approx(16 if kind in ("curve", "run") else 1500, rel=0.25)
    log = diagnosis.curves[0].log
    assert log.valid_loss.value.tolist() == pytest.approx(COLUMNS["val_loss"])
    assert diagnosis.curves[0].file == (str(path) if kind in ("path", "str") else None)


def test_several_sources_are_compared() -> None:
    diagnosis = diagnose(COLUMNS, run(), curve())
    assert [one.title for one in diagnosis.curves] == ["curve 1", "lr 0.1, seed 7", "curve 3"]
    assert diagnosis.outlook is not None
    assert (diagnosis.outlook.outcome, diagnosis.outlook.best) == (ts.OutlookOutcome.CANNOT_TELL, None)
    assert {frozenset((pair.better, pair.worse)) for pair in diagnosis.outlook.pairs} == {frozenset(pair) for pair in ((0, 1), (0, 2), (1, 2))}
    lower = diagnose(COLUMNS, {**COLUMNS, "val_loss": [loss - 0.05 * max(0, i - 15) for i, loss in enumerate(COLUMNS["val_loss"])]}).outlook
    assert lower is not None
    assert lower.best == 1


def test_a_run_that_was_cut_is_read_with_its_planned_length() -> None:
    """A level curve is finished only if that was all that was planned."""
    level = dataclasses.replace(curve(), train_loss=tuple(0.4 + 1.6 * 0.85**i for i in range(40)), valid_loss=tuple(0.5 + 1.5 * 0.85**i for i in range(40)))
    cut = dataclasses.replace(run(), curve=level, spec=dataclasses.replace(run().spec, total_steps=400))
    assert "unfinished" not in [finding.kind for finding in diagnose(level).findings]
    assert diagnose(cut).verdict == diagnose(diagnose(cut).curves[0].log).verdict == "unfinished"


@pytest.mark.parametrize("name", ["accuracy", "val_accuracy"])
def test_logs_of_one_metric_are_read_and_compared(name: str) -> None:
    def rising(to: float) -> dict[str, list[float]]:
        return {"epoch": list(range(40)), "lr": [1 - i / 40 for i in range(40)], name: [to - 0.8 * math.exp(-i / 6) for i in range(40)]}

    diagnosis = diagnose(rising(0.85), rising(0.95))
    assert [list(one.log.valid_metrics) for one in diagnosis.curves] == [["accuracy"]] * 2
    assert diagnosis.outlook is not None
    assert "(validation accuracy)" in diagnosis.outlook.evidence
    assert diagnosis.outlook.pairs[0].better == 1


def test_columns_say_what_is_what() -> None:
    diagnosis = diagnose({"t": [1, 2, 3], "a": [3.0, 2.0, 1.0], "b": [3.0, 2.5, 2.0]}, columns={"step": "t", "train_loss": "a", "valid_loss": "b"})
    assert diagnosis.curves[0].log.columns == {"step": "t", "train_loss": "a", "valid_loss": "b"}


@pytest.mark.parametrize(("source", "error"), [(3, ts.InputError), ({"a": [1, 2]}, ts.CurveError), ("no such file.csv", ts.CurveError), ([], ts.InputError)])
def test_what_cannot_be_read_raises_in_one_sentence(source: Any, error: type[Exception]) -> None:  # noqa: ANN401 (anything at all)
    with pytest.raises(error) as raised:
        diagnose(source)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "log.csv"), tmp_path / "notes.txt"
    bad.write_text("All went well.")
    diagnosis = diagnose_files([bad, good])
    assert [one.file for one in diagnosis.curves] == [str(good)]
    assert [file.file for file in diagnosis.not_read] == [str(bad)]
    with pytest.raises(ts.CurveError, match="So it is with 1 more"):
        diagnose_files([bad, bad])


def test_runs_of_one_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    once = "\n".join(f"{step},{2 / (1 + step)}" for step in range(20))
    path.write_text(f"step,loss\n{once}\n{once}")
    assert [(one.run, one.title) for one in diagnose(path).curves] == [
        ("run 1 of 2", f"{path}: run 1 of 2"),
        ("run 2 of 2", f"{path}: run 2 of 2"),
    ]


@pytest.mark.parametrize("name", ["fastai.csv", "keras.csv", "keras-history.json", "lightning", "huggingface"])
def test_logs_that_the_tools_wrote_are_read(name: str) -> None:
    (one,) = diagnose(FIXTURES / name).curves
    assert one.file == str(FIXTURES / name)
    assert one.last_step > 0
    assert one.log.train_loss.value[-1] < one.log.train_loss.value[0]


def test_the_curves_of_a_training_of_ours_are_read(tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / f"seed-{seed}").mkdir()
        write_curve(curve(), tmp_path / f"seed-{seed}" / "curve.csv")
    assert [one.run for one in diagnose(tmp_path).curves] == ["seed-1/curve.csv", "seed-2/curve.csv"]
    (one,) = diagnose(tmp_path / "seed-1").curves
    assert (one.run, one.log.columns["valid_loss"]) == (None, "valid_loss")


def test_the_full_trainings_of_a_study_of_ours_are_read(tmp_path: Path) -> None:
    with ts.Study.create(tmp_path, fingerprint="f", description={}) as study:
        with pytest.raises(ts.CurveError, match="has none yet"):
            diagnose(tmp_path)
        study.add(run(), purpose="confirm")
        study.put_experiment(ts.Experiment(probe="confirm", arms=(ts.Arm(label="plan", value=None, run=run()),)))
        study.put_experiment(ts.Experiment(probe="momentum", arms=(ts.Arm(label="momentum .9", value=0.9, run=run()),)))
    (one,) = diagnose(tmp_path).curves
    assert (one.title, one.log.total_steps) == (str(tmp_path), 40)


def test_a_comparison_names_the_files_as_the_text_does(tmp_path: Path) -> None:
    paths = [tmp_path / name / "metrics.csv" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        write(path)
    outlook = diagnose(*paths).outlook
    assert outlook is not None
    assert "a/metrics.csv" in outlook.evidence
    assert str(tmp_path) not in outlook.evidence


def test_a_diagnosis_plots_itself_and_never_shows() -> None:
    for diagnosis in (diagnose(COLUMNS), diagnose(COLUMNS, curve())):
        ax = Figure().subplots()
        assert diagnosis.plot(ax) is ax
        assert ts.plot(diagnosis).get_ylabel().startswith("loss")
    assert ts.plot(diagnosis.curves[0]).get_xlabel() in ("", "steps")


NUMBERS = st.floats(-1e30, 1e30) | st.sampled_from([0.0, 1.0, 87.3366, math.nan, math.inf])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 60).flatmap(lambda n: st.fixed_dictionaries({key: st.lists(NUMBERS, min_size=n, max_size=n) for key in COLUMNS})), st.booleans())
def test_any_numbers_are_read_and_shown(columns: dict[str, list[float]], has_steps: bool) -> None:  # noqa: FBT001 (hypothesis passes it)
    try:
        diagnosis = diagnose(columns if has_steps else {key: column for key, column in columns.items() if key != "step"}, COLUMNS)
    except ts.InputError:
        return
    assert all(one.verdict in KINDS for one in diagnosis.curves)
    assert diagnosis_text(diagnosis, explains=True)
    json.dumps(diagnosis_to_json(diagnosis), allow_nan=False)
    assert Diagnosis.from_dict(json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))).to_dict() == diagnosis.to_dict()
    for one in diagnosis.curves:
        json.dumps(finite_json(clue_figure(clue_facts(one))), allow_nan=False)


def test_reading_curves_loads_no_torch_and_no_drawing(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv")
    code = f"""
import json, sys
import tunesmith as ts
ts.diagnose({str(path)!r}, {{"loss": [2.0, 1.0, 0.5, 0.4, 0.3]}})
print(json.dumps([name for name in ("torch", "pydantic", "matplotlib", "plotly", "pandas", "tensorboard") if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
