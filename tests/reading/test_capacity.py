import dataclasses
import json
import math

import numpy as np
import pytest

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading import CapacityReading, read_capacity
from tunesmith.settings import RunKind, RunSpec, Settings

SIZES = (10, 100, 1000, 10_000, 100_000)


def run(loss: float, *, seed: int, name: str, train: float, kind: RunKind = RunKind.CYCLE) -> Run:
    outcome = RunOutcome.FINISHED if math.isfinite(loss) else RunOutcome.DIVERGED
    curve = Curve(lr=(0.1,) * 50, momentum=(0.9,) * 50, train_loss=(3.0,) * 5 + (train,) * 45, eval_step=(50,), valid_loss=(loss,), outcome=outcome)
    return Run(spec=RunSpec(settings=Settings(lr=0.1), total_steps=50, seed=seed, condition=name, kind=kind), curve=curve)


def series(losses: tuple[float, ...], *, noise: float = 0.01, seeds: int = 2, train: tuple[float, ...] | None = None, draw: int = 0) -> Experiment:
    """One network a loss, ten times larger from one to the next; the noise is drawn, or for two seeds exactly ± noise / √2 where `draw` is 0."""
    draws = np.random.default_rng(draw)
    arms = []
    for index, (size, loss) in enumerate(zip(SIZES, losses, strict=False)):
        for seed in range(seeds):
            shift = noise * draws.standard_normal() if draw else noise / math.sqrt(2) * (-1) ** seed
            level = 1 / (index + 1) if train is None else train[index]
            arms.append(Arm(label=f"net {size}", value=float(size), run=run(loss + shift, seed=seed, name=f"net {size}", train=level)))
    return Experiment(probe="capacity", arms=tuple(arms))


def with_accuracy(experiment: Experiment, values: tuple[float, ...]) -> Experiment:
    """The same runs with a metric, one value a network, a little apart from seed to seed."""
    by_label = dict(zip(dict.fromkeys(arm.label for arm in experiment.arms), values, strict=True))

    def measured(arm: Arm) -> Arm:
        curve = dataclasses.replace(arm.run.curve, metrics={"accuracy": (by_label[arm.label] + 0.01 * arm.run.spec.seed,)})
        return dataclasses.replace(arm, run=dataclasses.replace(arm.run, curve=curve))

    return dataclasses.replace(experiment, arms=tuple(map(measured, experiment.arms)))


def parts(reading: CapacityReading) -> str:
    return "".join(network.part[0] for network in reading.networks)


@pytest.mark.parametrize(
    ("losses", "outcome", "best", "shape"),
    [
        ((2.0, 1.0, 0.7, 0.7, 0.9), "found", "net 1000", "ffllr"),
        ((2.0, 1.0, 0.7, 0.701, 0.705), "found", "net 1000", "fflll"),
        ((0.7, 0.701, 0.9, 1.0, 1.3), "found", "net 10", "llrrr"),
        ((2.0, 1.6, 1.2, 0.9, 0.7), "still_falling", "net 100000", "ffffl"),
        ((0.7, 0.8, 0.9, 1.0, 1.1), "rising", "net 10", "lrrrr"),
        ((0.7, 0.705, 0.7, 0.702, 0.71), "no_difference", "net 10", "lllll"),
        ((2.0, 0.7, 1.2, 0.7, 2.0), "cannot_tell", None, "uuuuu"),
    ],
)
def test_the_parts_of_a_series_are_named(losses: tuple[float, ...], outcome: str, best: str | None, shape: str) -> None:
    reading = read_capacity(series(losses))
    assert (reading.outcome, reading.best, parts(reading)) == (outcome, best, shape)
    assert reading.advice.endswith(".")


def test_a_rise_is_overfitting_only_where_training_went_no_worse() -> None:
    losses = (0.9, 0.7, 0.9)
    over = read_capacity(series(losses, train=(0.8, 0.5, 0.1)))
    under = read_capacity(series(losses, train=(0.8, 0.5, 0.9)))
    assert [finding.kind for finding in over.findings] == ["capacity", "underfitting", "overfitting"]
    assert [finding.kind for finding in under.findings] == ["capacity", "underfitting", "undertrained"]


def test_more_noise_makes_more_of_it_level() -> None:
    losses = (1.0, 0.9, 0.8, 0.85, 0.9)
    assert parts(read_capacity(series(losses, noise=0.001))) == "fflrr"
    assert parts(read_capacity(series(losses, noise=0.15))) == "lllll"


def test_noise_alone_is_rarely_taken_for_a_shape() -> None:
    """Five networks that do the same, two seeds: a shape is named in at most 16 of 60 draws (seen: 11; five networks are ten pairs at two deviations)."""
    told = sum(read_capacity(series((0.7,) * 5, noise=0.05, draw=draw)).outcome in ("found", "still_falling", "rising") for draw in range(1, 61))
    assert told <= 16


def test_one_seed_cannot_tell() -> None:
    reading = read_capacity(series((2.0, 1.0, 0.7), seeds=1))
    assert (reading.outcome, reading.best, reading.noise) == ("cannot_tell", None, 0.0)
    assert "two seeds" in reading.advice


def test_a_network_that_failed_has_no_part_and_does_not_win() -> None:
    reading = read_capacity(series((2.0, 0.7, math.inf, 0.7)))
    assert (reading.outcome, reading.best, parts(reading)) == ("found", "net 100", "flul")
    assert read_capacity(series((2.0, math.inf, math.inf))).outcome == "cannot_tell"


def test_a_network_whose_seeds_disagree_is_neither_taken_nor_counted_as_noise() -> None:
    good = series((2.0, 0.7, 0.7), noise=0.005)
    brink = [Arm(label="brink", value=500.0, run=run(loss, seed=seed, name="brink", train=0.7)) for seed, loss in enumerate((0.65, 2.4))]
    reading = read_capacity(Experiment(probe="capacity", arms=(*good.arms, *brink)))
    assert [(network.label, network.is_steady) for network in reading.networks] == [
        ("net 10", True), ("net 100", True), ("brink", False), ("net 1000", True),
    ]  # fmt: skip
    assert (reading.best, parts(reading)) == ("net 100", "flul")
    assert reading.noise == pytest.approx(0.005)
    assert "its seeds disagree" in reading.findings[0].evidence


def test_sweeps_are_passed_over_and_networks_without_a_rate_are_kept() -> None:
    good = series((2.0, 0.7))
    sweeps = tuple(
        Arm(label=label, value=value, run=run(9.0, seed=0, name=label, train=9.0, kind=RunKind.LINEAR_RAMP))
        for label, value in (("net 10", 10.0), ("lost", 1e6))
    )
    reading = read_capacity(Experiment(probe="capacity", arms=(*sweeps, *good.arms)))
    assert [(network.label, network.part, network.losses == ()) for network in reading.networks] == [
        ("net 10", "falling", False),
        ("net 100", "level", False),
        ("lost", "unknown", True),
    ]
    assert reading.outcome == "still_falling"


def test_a_reading_is_the_json_document_of_the_command() -> None:
    document = json.loads(json.dumps(read_capacity(series((2.0, 0.7, math.inf))).to_dict(), allow_nan=False))
    assert sorted(document) == ["advice", "findings", "networks", "noise", "outcome", "suggestion", "version"]
    assert document["networks"][2]["loss"] is None


def test_without_networks_there_is_nothing_to_read() -> None:
    with pytest.raises(CurveError, match=r"probes\.capacity"):
        read_capacity(Experiment(probe="capacity", arms=()))
