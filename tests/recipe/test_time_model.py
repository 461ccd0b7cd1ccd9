import json
from pathlib import Path

import pytest
from tests.recipe.tiny import make_task, time_model, tuned

from tunesmith.errors import InputError
from tunesmith.recipe import tune
from tunesmith.recipe.time_model import read_time_model
from tunesmith.settings import Settings

KNOBS = {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3}


def test_a_speed_is_measured_once_and_kept(tmp_path: Path) -> None:
    done = tuned(make_task(), tmp_path, fixed=KNOBS | {"batch_size": 16})
    model = read_time_model(done.folder / "time_model.json")
    assert list(model.seconds_per_step) == [16]
    assert 0 < model.seconds_per_step[16] < 10
    assert model.loading_seconds[16] < model.seconds_per_step[16]
    assert model.trained_examples == 7 * 16  # as many updates as timing may cost, .02 of a full training


def test_another_machines_speed_is_copied_and_costs_nothing(tmp_path: Path) -> None:
    """The time model decides between batch sizes: where larger batches take no longer the largest is tried, where they do none is."""
    task = make_task(epochs=80, current=Settings(batch_size=16, epochs=1))
    fast = tuned(task, tmp_path / "fast", fixed=KNOBS, recipe="report", time_model=time_model(tmp_path))
    assert read_time_model(fast.folder / "time_model.json").trained_examples == 0
    slow_machine = tmp_path / "slow.json"
    slow_machine.write_text(json.dumps({"version": 1, "seconds_per_step": {"64": 1.0, "32": 1.0, "16": 0.1, "128": 10.0}}))
    slow = tuned(task, tmp_path / "slow", fixed=KNOBS, recipe="report", time_model=slow_machine)
    assert "batch_size" in fast.heard.stages
    assert "batch_size" not in slow.heard.stages


def test_sizes_that_a_model_lacks_are_left_out(tmp_path: Path) -> None:
    done = tuned(make_task(epochs=60), tmp_path, fixed=KNOBS, time_model=time_model(tmp_path, sizes=(7,)))
    assert "batch_size" not in done.heard.stages
    assert done.heard.forecasts[0].seconds is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 1, "seconds_per_step": {}}',
        '{"version": 1, "seconds_per_step": [1, 2]}',
        '{"version": 1, "seconds_per_step": {"many": 1}}',
        '{"version": 1, "seconds_per_step": {"16": 0}}',
        '{"version": 1, "seconds_per_step": {"16": -1}}',
        '{"version": 1, "seconds_per_step": {"16": NaN}}',
        '{"version": 1, "seconds_per_step": {"16": 1}, "trained_examples": -1000}',
        '{"version": 2, "seconds_per_step": {"16": 1}}',
        "\udcff",
    ],
)
def test_what_is_no_time_model_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "machine.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError) as caught:
        tune(make_task(), out=tmp_path / "study", time_model=path)
    assert "machine.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be JSON"):
        read_time_model(tmp_path / "nowhere.json")
