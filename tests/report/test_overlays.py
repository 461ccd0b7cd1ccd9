"""Sections on several conditions or networks at once."""

import dataclasses
from pathlib import Path

import pytest
from fake_study import write_study
from tests.reading.test_capacity import series
from tests.reading.test_conditions import laid_over, three_layer_net

from tunesmith.experiment import Experiment
from tunesmith.reading import read_capacity, read_conditions
from tunesmith.report import summarize, write_report

HOSTILE = "<script>alert(1)</script>"


def page(folder: Path, experiment: Experiment) -> tuple[str, str]:
    """The report of a study of this one probe, and its text."""
    with write_study(folder, (experiment,), None, description={"recipe": experiment.probe}) as study:
        write_report(study, folder / "page.html")
        return (folder / "page.html").read_text(), summarize(study)


def with_verdict(experiment: Experiment, verdict: str) -> Experiment:
    return dataclasses.replace(experiment, verdict=verdict)


def test_conditions_are_drawn_and_ranked(tmp_path: Path) -> None:
    experiment = laid_over(three_layer_net())
    html, text = page(tmp_path / "study", with_verdict(experiment, read_conditions(experiment).advice))
    assert html.index("1. 4e-3") < html.index("2. 1e-4") < html.index("3. 1e-2")
    assert "The condition that tolerates the largest rate with a flat loss" in html
    assert ", worse" in html
    assert text.startswith("Range tests under conditions")
    assert "Not finished" not in text


def test_capacity_is_drawn_with_its_parts(tmp_path: Path) -> None:
    experiment = series((2.0, 0.7, 0.7, 0.9))
    html, text = page(tmp_path / "study", with_verdict(experiment, read_capacity(experiment).advice))
    assert "With capacity the loss is falling, then level, then rising." in html
    assert "10,000" in html
    assert "smallest network of the level part" in text


def test_a_rise_with_a_higher_training_loss_is_named_as_in_the_figure(tmp_path: Path) -> None:
    html, _ = page(tmp_path / "study", series((0.9, 0.7, 0.9), train=(0.8, 0.5, 0.9)))
    assert "undertrained" in html


@pytest.mark.parametrize("probe", ["lr_range_under", "capacity"])
def test_a_strangers_study_cannot_write_into_the_page(tmp_path: Path, probe: str) -> None:
    made = laid_over(three_layer_net()) if probe == "lr_range_under" else series((2.0, 0.7))
    hostile = dataclasses.replace(made, arms=tuple(dataclasses.replace(arm, label=HOSTILE) for arm in made.arms), verdict=HOSTILE)
    html, _ = page(tmp_path / "study", hostile)
    assert HOSTILE not in html


@pytest.mark.parametrize("probe", ["lr_range_under", "capacity"])
def test_runs_that_the_reading_cannot_use_are_shown_as_numbers(tmp_path: Path, probe: str) -> None:
    made = series((2.0, 0.7))
    strange = dataclasses.replace(made, probe=probe, arms=tuple(dataclasses.replace(arm, value=None) for arm in made.arms))
    html, _ = page(tmp_path / "study", strange)
    assert "The numbers" in html
