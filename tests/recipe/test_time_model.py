import json
from pathlib import Path

import pytest
from tests.recipe.tiny import blobs, make_task, time_model, tuned

from tunesmith.errors import InputError
from tunesmith.recipe import tune
from tunesmith.recipe.allowance import LOOK_SHARE
from tunesmith.recipe.time_model import MOST_TIMED_UPDATES, TIMED_UPDATES, read_time_model
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


@pytest.mark.parametrize(("n", "epochs", "budget"), [(320, 60, 1.0), (4096, 30, 1.0), (4096, 30, 0.1), (320, 40, 0.5)])
def test_as_many_updates_are_timed_as_the_look_may_cost(tmp_path: Path, n: int, epochs: float, budget: float) -> None:
    """Between 3 and 20 at each size that is affordable, and one before them that does not count; the first size is timed whatever it costs."""
    done = tuned(make_task(train=blobs(n), epochs=epochs), tmp_path, fixed=KNOBS, budget=budget)
    model = read_time_model(done.folder / "time_model.json")
    repeats, rest = divmod(model.trained_examples, sum(model.seconds_per_step))
    assert rest == 0
    assert TIMED_UPDATES <= repeats - 1 <= MOST_TIMED_UPDATES
    allowed = LOOK_SHARE * budget * done.task.full_training_examples
    assert model.trained_examples <= allowed or (len(model.seconds_per_step) == 1 and repeats == TIMED_UPDATES + 1)
    assert set(model.loading_seconds) == set(model.seconds_per_step)
    assert all(0 <= model.loading_seconds[size] <= seconds for size, seconds in model.seconds_per_step.items())


def test_a_model_of_an_earlier_version_has_no_loading_seconds(tmp_path: Path) -> None:
    assert read_time_model(time_model(tmp_path)).loading_seconds == {}


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
        '{"version": 1, "seconds_per_step": {"16": 1}, "loading_seconds": {"16": -0.1}}',
        '{"version": 1, "seconds_per_step": {"16": 1}, "loading_seconds": {"16": NaN}}',
        '{"version": 1, "seconds_per_step": {"16": 1}, "loading_seconds": [1]}',
        '{"version": 1, "seconds_per_step": {"16": 1}, "loading_seconds": {"16": "long"}}',
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
