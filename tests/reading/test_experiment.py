import dataclasses

import pytest
from tests.probes.watched import Watched
from tests.reading.test_capacity import series, with_accuracy
from tests.reading.test_conditions import laid_over, three_layer_net
from tests.reading.test_min_lr import experiment

import tunesmith as ts
from tunesmith import probes
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.settings import Settings


def test_each_probe_has_its_reading() -> None:
    conditions = laid_over(three_layer_net())
    assert isinstance(ts.read(dataclasses.replace(conditions, probe="lr_range", arms=conditions.arms[:1])), ts.RangeReading)
    assert isinstance(ts.read(conditions), ts.ConditionsReading)
    assert isinstance(ts.read(experiment(at_0_1="balanced")), ts.MinLrReading)
    assert isinstance(ts.read(series((2.0, 0.7))), ts.CapacityReading)


def test_a_metric_decides_where_it_is_the_goal() -> None:
    made = with_accuracy(series((2.0, 0.7, 0.9)), (0.3, 0.6, 0.9))
    readings = [ts.read(made, **options) for options in ({}, {"goal": "accuracy", "higher_is_better": True})]
    assert [reading.best for reading in readings if isinstance(reading, ts.CapacityReading)] == ["net 100", "net 1000"]


def test_short_runs_are_compared() -> None:
    candidates = [probes.Candidate(label=f"{size}", value=size, settings=Settings(lr=0.1, batch_size=size), total_steps=20) for size in (4, 8)]
    made = probes.annealed_runs(Watched().task(), candidates, probe="peak_lr", seed=0)
    reading = ts.read(made)
    assert isinstance(reading, ts.Comparison)
    assert reading.best in {arm.label for arm in made.arms}
    assert reading.noise == 0


def test_a_knob_by_short_runs_is_compared_seed_by_seed() -> None:
    task, settings = Watched().task(), Settings(lr=0.1, batch_size=8)
    decays = probes.weight_decay(task, settings, total_steps=20, planned_steps=20, values=(0.0, 0.1), repeats=2)
    momenta = probes.momentum(task, settings, total_steps=20, values=(0.5, 0.9), repeats=2)
    cycle = probes.momentum_cycle(task, settings, total_steps=20, lowest=(0.5,), repeats=2)
    for made, knob in ((decays, "weight_decay"), (momenta, "momentum"), (cycle, "momentum_cycle")):
        reading = ts.read(made)
        assert isinstance(reading, ts.KnobReading)
        assert (reading.knob, len(reading.values), reading.noise > 0) == (knob, 2, True)


@pytest.mark.parametrize("probe", ["bracket", "confirm", "width scan"])
def test_what_has_no_reading_says_so(probe: str) -> None:
    with pytest.raises(InputError, match=f"to be read, got '{probe}'"):
        ts.read(Experiment(probe=probe, arms=()))


def test_a_range_test_without_a_linear_sweep_has_none_either() -> None:
    with pytest.raises(InputError, match="must hold a linear sweep to be read, and this one has none"):
        ts.read(Experiment(probe="lr_range", arms=()))
