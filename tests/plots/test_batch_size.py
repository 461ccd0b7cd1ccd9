import dataclasses
import math
import sys

import pytest
from matplotlib.figure import Figure

from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment, SizeTimes
from tunesmith.plots import plot, plot_batch_size
from tunesmith.plots.batch_size_facts import RESULT, THROUGHPUT, TIME, BatchSizeFacts, batch_size_facts
from tunesmith.reading.batch_size import read_batch_size
from tunesmith.settings import RunSpec, Settings

SECONDS = {32: 0.010, 64: 0.011, 128: 0.013, 256: 0.020, 512: 0.040}


def samples(scale: float, *, steps: tuple[int, ...], square: float = 1.0, growth: float = 1.0, spread: float = 0.01) -> tuple[GradientSample, ...]:
    """Two a step, a little apart, by `spread`; the noise scale grows by a factor from step to step."""
    found = []
    for index, step in enumerate(steps):
        for wiggle in (1 - spread, 1 + spread):
            trace = scale * growth**index * wiggle
            found.append(
                GradientSample(
                    step=step, micro_batch_size=16, n_micro_batches=16, mean_square=square + trace / 16, square_of_mean=square * wiggle + trace / 16**2
                )
            )
    return tuple(found)


def arm(size: int, *, loss: float = 1.0, steps: int = 100, seed: int = 0, gradients: tuple[GradientSample, ...] = (), value: float | None = None) -> Arm:
    curve = Curve(
        lr=(0.1,) * steps, momentum=(0.9,) * steps, train_loss=(2.3,) * steps, eval_step=(steps,), valid_loss=(loss,),
        metrics={"accuracy": (1 - loss / 4,)}, gradients=gradients, outcome=RunOutcome.FINISHED if math.isfinite(loss) else RunOutcome.DIVERGED,
    )  # fmt: skip
    run = Run(spec=RunSpec(settings=Settings(lr=0.1, batch_size=size), total_steps=steps, seed=seed), curve=curve)
    return Arm(label=f"batch size {size}, {steps} updates", value=value, run=run)


def _seeds(losses: float | tuple[float, ...]) -> tuple[float, ...]:
    return losses if isinstance(losses, tuple) else (losses,)


def sizes_tried(
    losses: dict[int, float | tuple[float, ...]], *, scale: float = 200.0, square: float = 1.0, growth: float = 1.0, spread: float = 0.01,
    is_sampled: bool = True, seconds: dict[int, float] | None = SECONDS, loading: dict[int, float] | None = None, base: int = 64,
) -> Experiment:  # fmt: skip
    """A run at the first size with gradient samples, and one of the same time, of each seed, at each size."""
    gradients = samples(scale, steps=(100, 200, 300, 380), square=square, growth=growth, spread=spread) if is_sampled else ()
    first = [arm(base, steps=400, gradients=gradients)]
    order = sorted(losses, key=lambda size: size != base)
    ran = [
        arm(size, loss=loss, steps=100 if seconds is None else round(100 * seconds[base] / seconds[size]), seed=seed, value=float(size))
        for size in order
        for seed, loss in enumerate(_seeds(losses[size]))
    ]
    times = None if seconds is None else SizeTimes(seconds_per_step=seconds, loading_seconds=loading or {}, n_train=50_000)
    return Experiment(probe="batch_size", arms=(*first, *ran), times=times)


def facts_of(experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False) -> BatchSizeFacts:
    reading = read_batch_size(experiment, goal=goal, higher_is_better=higher_is_better)
    return batch_size_facts(reading, goal=goal, higher_is_better=higher_is_better, experiment=experiment)


TRIED = {64: 1.0, 256: 0.9}


def test_the_line_is_the_prediction_and_half_and_double_are_named() -> None:
    facts = facts_of(sizes_tried(TRIED))
    assert facts.main == TIME
    assert [place.size.batch_size for place in facts.places] == list(SECONDS)
    updates = {size: (1 + 200 / size) * seconds for size, seconds in SECONDS.items()}
    assert facts.time_line.y == pytest.approx([time / min(updates.values()) for time in updates.values()], rel=0.02)
    assert facts.chosen.size.batch_size == 128
    half, double = facts.cost_of(0.5), facts.cost_of(2.0)
    assert half is not None
    assert double is not None
    assert half[1] == pytest.approx((half[0].time or 0) / (facts.chosen.time or 1))
    assert [(place.size.batch_size, remark) for place, remark in facts.remarks] == [(64, "half: 1.36 times\ntried first"), (256, "double: 1.07 times")]


def test_the_band_holds_the_line_and_ends_where_the_interval_does() -> None:
    facts = facts_of(sizes_tried(TRIED))
    for place in facts.places:
        assert place.time is not None
        assert place.allowed is not None
        assert place.allowed[0] <= place.time * (1 + 1e-9)
        assert place.allowed[1] >= place.time * (1 - 1e-9)
        assert place.allowed[0] >= 1


def test_an_endless_interval_is_a_band_to_updates_that_go_like_one_over_the_size() -> None:
    experiment = sizes_tried(TRIED, spread=3.0)
    reading = read_batch_size(experiment)
    assert reading.noise_scale is not None
    assert math.isinf(reading.noise_scale.interval[1])
    facts = batch_size_facts(reading, experiment=experiment)
    endless = {size: seconds / size for size, seconds in SECONDS.items()}
    assert facts.places[0].allowed is not None
    assert facts.places[0].allowed[1] == pytest.approx(endless[32] / min(endless.values()))
    assert facts.noise_interval is None or math.isfinite(facts.noise_interval[1])
    plot(experiment).figure.canvas.draw()


def test_throughput_has_its_knee_and_a_line_of_perfect_scaling() -> None:
    facts = facts_of(sizes_tried(TRIED))
    assert facts.rate_line.y == pytest.approx([size / seconds for size, seconds in SECONDS.items()])
    assert facts.perfect.y == pytest.approx([size / 0.010 for size in SECONDS])
    assert facts.knee is not None
    assert facts.knee.size.batch_size == 256


def test_moments_are_those_of_the_longest_runs_and_lost_ones_are_counted() -> None:
    experiment = sizes_tried(TRIED, growth=2.0)
    facts = facts_of(experiment)
    assert facts.moments.x == (100.0, 200.0, 300.0, 380.0)
    assert facts.moments.y == pytest.approx([200, 400, 800, 1600], rel=0.1)
    assert facts.n_lost == 0
    lost = dataclasses.replace(experiment.arms[0].run.curve.gradients[0], square_of_mean=0.0)
    curve = dataclasses.replace(experiment.arms[0].run.curve, gradients=(lost,))
    gone = dataclasses.replace(experiment.arms[0], run=dataclasses.replace(experiment.arms[0].run, curve=curve))
    facts = facts_of(dataclasses.replace(experiment, arms=(gone, *experiment.arms[1:])))
    assert (facts.moments.x, facts.n_lost) == ((), 1)


def test_without_a_noise_scale_the_results_are_drawn_and_else_throughput() -> None:
    ran = sizes_tried(TRIED, is_sampled=False)
    assert facts_of(ran).main == RESULT
    alone = sizes_tried({64: 1.0}, is_sampled=False)
    assert facts_of(alone).main == THROUGHPUT
    old = sizes_tried(TRIED, is_sampled=False, seconds=None)
    facts = facts_of(old)
    assert (facts.main, facts.has_throughput, facts.knee) == (RESULT, False, None)
    assert facts_of(sizes_tried({64: 1.0}, is_sampled=False, seconds=None)).main == RESULT


def test_a_metric_is_drawn_as_it_counts_and_a_run_that_failed_stands_at_the_worse_end() -> None:
    facts = facts_of(sizes_tried({64: 1.0, 128: math.inf, 256: 0.9}, is_sampled=False), goal="accuracy", higher_is_better=True)
    results = {place.size.batch_size: place.results for place in facts.places}
    assert results[64] == (0.75,)
    assert results[128] == (None,)
    assert facts.failed_at == facts.result_range[0]


def test_the_figure_has_further_parts_only_where_it_is_its_own() -> None:
    ax = Figure().subplots()
    experiment = sizes_tried(TRIED)
    assert plot(experiment, ax) is ax
    assert len(ax.figure.axes) == 1
    assert ax.get_ylabel() == "predicted time to the same loss, fastest = 1"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["32", "64", "128", "256", "512"]
    assert sum(text.get_text().startswith("use ") for text in ax.texts) == 1
    own = plot(experiment)
    assert [axes.get_ylabel() for axes in own.figure.axes] == ["predicted time to the same loss, fastest = 1", "examples a second", "noise scale"]
    assert len(plot_batch_size(read_batch_size(experiment)).figure.axes) == 2
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize(
    "experiment",
    [
        sizes_tried({64: 1.0}, is_sampled=False, seconds={64: 0.01}),
        sizes_tried({64: math.inf, 128: math.inf}, is_sampled=False, seconds=None),
        sizes_tried({64: math.nan, 128: (1.0, math.nan)}),
        sizes_tried({64: 1.0}, scale=0.0),
        sizes_tried({64: 1.0}, square=0.0),
        sizes_tried({64: 1.0}, square=-10.0),
        sizes_tried({64: (1.0, 1.1), 48: (0.9, 1.2)}, seconds={48: 0.01, 64: 0.011}),
        sizes_tried({64: 1.0}, seconds={64: 0.01}),
        dataclasses.replace(sizes_tried({64: 1.0, 96: 1.1}, seconds={64: 0.01, 96: 0.012}), times=SizeTimes(seconds_per_step={64: 0.01}, n_train=1000)),
    ],
)
def test_whatever_was_measured_is_drawn(experiment: Experiment) -> None:
    plot(experiment).figure.canvas.draw()
    plot(experiment, Figure().subplots(), goal="accuracy", higher_is_better=True).figure.canvas.draw()
