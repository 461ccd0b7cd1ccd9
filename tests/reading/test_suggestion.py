"""Suggestions on made-up sweeps with a known edge: they keep to it whatever the length, the spacing and the noise.

Rules on the slope do not (METHOD, trap 4).
"""

import dataclasses

import numpy as np
import pytest
from benchmarks.sweeps.problems import Case, draw, record, train

from tunesmith.curve import Curve
from tunesmith.reading import RangeReading, read_range

SHORT, LONG = 100, 1000
HALF = 1.5
MOST_MOMENTUM = 0.9
"""With more of it a quadratic answers too slowly to be read from 100 updates."""


def swept(cases: list[Case], *, steps: int) -> list[Curve]:
    """A whole record of so many updates of each case, over the case's own learning rates."""
    lengthened = [dataclasses.replace(case, steps=steps, ending="whole") for case in cases]
    rates = np.stack([case.rates() for case in lengthened])
    return [record(case, lr, losses) for case, lr, losses in zip(lengthened, rates, train(lengthened, rates, seed=2), strict=True)]


def cases_of(kind: str, *, n: int) -> list[Case]:
    return [case for case in (draw(seed, kind=kind) for seed in range(7000, 7000 + n)) if case.momentum <= MOST_MOMENTUM]


def read_lengths(kind: str, *, n: int) -> list[tuple[RangeReading, RangeReading, Case]]:
    """Readings of a short and of a long sweep of cases on which both see an edge."""
    cases = cases_of(kind, n=n)
    short, long = ([read_range(curve) for curve in swept(cases, steps=steps)] for steps in (SHORT, LONG))
    return [(one, other, case) for one, other, case in zip(short, long, cases, strict=True) if one.edge is not None and other.edge is not None]


@pytest.mark.parametrize("kind", ["plain", "late_start", "exponential"])
def test_a_sweep_ten_times_as_long_suggests_the_same(kind: str) -> None:
    """Of 54 noisy quadratics at least 35 show their edge in both lengths (seen: 41 to 52); nine in ten of these move by less than half (seen: .96 to 1)."""
    pairs = read_lengths(kind, n=100)
    moved = np.array([long.suggestion() / short.suggestion() for short, long, _ in pairs])
    assert len(pairs) >= 35
    assert np.mean((moved < HALF) & (moved > 1 / HALF)) >= 0.9
    assert 0.8 < np.median(moved) < 1.25


@pytest.mark.parametrize("kind", ["plain", "hump", "late_start", "exponential"])
def test_noise_and_spacing_do_not_pull_it_to_the_bottom_of_the_range(kind: str) -> None:
    """The edge is known, and the noise of one loss goes up to a sixth of the whole drop: each suggestion lies between a 20th and a half of the edge."""
    found = read_lengths(kind, n=100)
    assert len(found) >= 35
    for short, long, case in found:
        for reading in (short, long):
            assert 0.05 < reading.suggestion() / case.quadratic_edge < 0.5


@pytest.mark.parametrize("kind", ["plain", "exponential"])
@pytest.mark.parametrize("at", [2, 5, 12])
def test_an_early_spike_does_not_set_it(kind: str, at: int) -> None:
    """One batch with a loss far above or below the others, where the learning rate is still small."""
    curve = swept(cases_of(kind, n=1), steps=400)[0]
    plain = read_range(curve).suggestion()
    for spike in (20.0, -20.0):
        losses = list(curve.train_loss)
        losses[at] += spike
        assert read_range(dataclasses.replace(curve, train_loss=tuple(losses))).suggestion() == pytest.approx(plain, rel=0.25)


def test_it_says_for_which_schedule_and_length_it_is() -> None:
    reading = read_range(swept(cases_of("plain", n=1), steps=400)[0])
    found = next(finding for finding in reading.findings if finding.kind == "suggestion")
    assert "as the peak of one cycle of 800 to 4000 updates" in found.evidence
    assert "That the suggestion is the best peak" in found.not_established
    assert "short annealed runs" in found.action
