"""Made-up range tests whose edge is known: SGD on noisy quadratics, swept; the truth is where runs of that length at a constant learning rate diverge.

A case draws its curvatures, momentum, noise, sweep and record at random from its seed. Everything is simulated for many cases at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve, RunOutcome

Floats = NDArray[np.float64]

DIMENSIONS = 24
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.99)
LENGTHS = (60, 100, 200, 400, 1000, 2000)
KINDS = ("plain", "hump", "late_start", "exponential")
"""A falling loss; the same with a hump of the validation loss at low rates; a start on a plateau; an exponential sweep over decades."""
ENDINGS = ("whole", "stopped", "not_finite")
"""How the record ends: it goes on after the jump; the loop gave up in the jump, as ours does; the loss became NaN."""
EVALUATIONS = 25
BISECTIONS = 12
_HUGE = 1e30


@dataclass(frozen=True, kw_only=True)
class Case:
    """One made-up problem and its sweep.

    Attributes:
        seed: What it was drawn from.
        kind, ending: See KINDS and ENDINGS.
        steps: Updates of the sweep.
        momentum, is_nesterov: Of SGD as torch has it.
        curvature: Of each dimension, shape (d,).
        start: Where the weights begin, shape (d,).
        gradient_noise: Standard deviation of the gradient's noise along a dimension, over the root of its curvature.
        loss_noise: Standard deviation of a recorded training loss around the true one.
        validates: Whether there are evaluations.
        edge_share: Where the edge of a quadratic without noise lies in the sweep; > 1: beyond its end.
        decades: How far below the edge an exponential sweep starts.
    """

    seed: int
    kind: str
    ending: str
    steps: int
    momentum: float
    is_nesterov: bool
    curvature: Floats
    start: Floats
    gradient_noise: float
    loss_noise: float
    validates: bool
    edge_share: float
    decades: float

    @property
    def quadratic_edge(self) -> float:
        """Where heavy ball or Nesterov's step becomes unstable on a quadratic without noise, in the limit of long runs."""
        m, h = self.momentum, float(self.curvature.max())
        return 2 * (1 + m) / ((1 + 2 * m) * h) if self.is_nesterov else 2 * (1 + m) / h

    @property
    def end_lr(self) -> float:
        """Where the sweep ends."""
        return self.quadratic_edge / self.edge_share

    def rates(self, steps: int | None = None) -> Floats:
        """The learning rate of each update of the sweep, or of one of another length over the same range."""
        n = self.steps if steps is None else steps
        if self.kind == "exponential":
            return np.geomspace(self.quadratic_edge * 10**-self.decades, self.end_lr, n)
        return np.linspace(0, self.end_lr, n)


def draw(seed: int, *, kind: str | None = None, can_miss: bool = False) -> Case:
    """A case from its seed.

    Args:
        seed: Fixes everything.
        kind: One of KINDS; None draws one.
        can_miss: Whether the sweep may end below the edge.
    """
    random = np.random.default_rng([20261122, seed])
    kind = str(random.choice(KINDS)) if kind is None else kind
    top = 10 ** random.uniform(-1, 2)
    spread = 10 ** random.uniform(0.5, 3)
    curvature = top * spread ** -np.sort(random.uniform(0, 1, DIMENSIONS))
    curvature[0] = top
    start = random.standard_normal(DIMENSIONS) / np.sqrt(curvature)
    if kind == "late_start":  # far away along flat dimensions only
        start *= np.where(curvature < top / np.sqrt(spread), 1.0, 0.03)
    height = 0.5 * float(curvature @ start**2)
    start *= np.sqrt(2 / height)  # the loss falls by 2
    exponential = kind == "exponential"
    return Case(
        seed=seed, kind=kind, ending=str(random.choice(ENDINGS)), steps=int(random.choice(LENGTHS)), momentum=float(random.choice(MOMENTA)),
        is_nesterov=bool(random.integers(2)), curvature=curvature, start=start, gradient_noise=10 ** random.uniform(-2.5, -0.7),
        loss_noise=2 * 10 ** random.uniform(-3, -0.8), validates=bool(random.random() < 2 / 3),
        edge_share=random.uniform(0.2, 0.7) if exponential else random.uniform(0.15, 0.85) if not can_miss else random.uniform(1.3, 4),
        decades=random.uniform(1.5, 4),
    )  # fmt: skip


def train(cases: list[Case], rates: Floats, *, seed: int) -> Floats:
    """True losses before each update and after the last, of cases of one length: (cases, steps) rates → (cases, steps + 1) losses.

    The same seed gives the same noise of the gradients.
    """
    random = np.random.default_rng([20261122, seed])
    h = np.stack([case.curvature for case in cases])
    x = np.stack([case.start for case in cases])
    noise = np.array([[case.gradient_noise] for case in cases]) * np.sqrt(h)
    m = np.array([[case.momentum] for case in cases])
    nesterov = np.array([[case.is_nesterov and case.momentum > 0] for case in cases])
    velocity = np.zeros_like(x)
    losses = np.empty((len(cases), rates.shape[1] + 1))
    for step in range(rates.shape[1]):
        losses[:, step] = 0.5 * np.sum(h * x * x, axis=1)
        gradient = h * x + noise * random.standard_normal(x.shape)
        velocity = m * velocity + gradient
        x = np.clip(x - rates[:, step, None] * np.where(nesterov, gradient + m * velocity, velocity), -_HUGE, _HUGE)
        velocity = np.clip(velocity, -_HUGE, _HUGE)
    losses[:, -1] = 0.5 * np.sum(h * x * x, axis=1)
    return losses


def truths(cases: list[Case], *, seed: int = 1) -> Floats:
    """For cases of one length: the learning rate from which a run at that constant rate ends above its start (the mean of its last tenth), by bisection."""
    low = np.array([case.quadratic_edge / 8 for case in cases])
    high = np.array([case.quadratic_edge * 8 for case in cases])
    n = cases[0].steps
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        losses = train(cases, np.repeat(middle[:, None], n, axis=1), seed=seed)
        is_lost = losses[:, -max(1, n // 10) :].mean(axis=1) > losses[:, 0]
        low, high = np.where(is_lost, low, middle), np.where(is_lost, middle, high)
    return np.sqrt(low * high)


def record(case: Case, rates: Floats, losses: Floats) -> Curve:
    """What a training loop writes down of a sweep: noisy training losses before each update, evaluations after every n/25-th."""
    random = np.random.default_rng([20261122, case.seed, rates.size])
    n, floor = rates.size, 0.5
    relative = np.sqrt(np.maximum(losses, 0.05) / 2)  # the noise of a batch grows with its loss
    train_loss = floor + losses[:n] + case.loss_noise * random.standard_normal(n) * np.maximum(relative[:n], 0.5)
    every = max(1, n // EVALUATIONS)
    at = np.arange(every, n + 1, every) if case.validates else np.empty(0, dtype=int)
    valid_loss = 1.1 * floor + losses[at] + 0.3 * case.loss_noise * random.standard_normal(at.size) * np.maximum(relative[at], 0.5)
    if case.kind == "hump":
        center = np.log(case.quadratic_edge * 10 ** random.uniform(-1.5, -0.7))
        log_lr = np.log(np.maximum(rates[at - 1], 1e-300))
        valid_loss += random.uniform(0.3, 1.0) * np.exp(-0.5 * ((log_lr - center) / 0.35) ** 2)
    outcome, kept = RunOutcome.FINISHED, n
    if case.ending != "whole":
        limit = 0.5 + 2 + 2 * 2.0 if case.ending == "stopped" else 1e4
        medians = np.array([np.median(train_loss[max(0, i - 4) : i + 1]) for i in range(n)])
        lost = np.flatnonzero(medians > limit)
        if lost.size:
            kept = int(lost[0]) + 1
            outcome = RunOutcome.DIVERGED if case.ending == "stopped" else RunOutcome.NOT_FINITE
    is_kept = at <= kept
    return Curve(
        lr=tuple(rates[:kept].tolist()), momentum=(case.momentum,) * kept, train_loss=tuple(train_loss[:kept].tolist()),
        eval_step=tuple(at[is_kept].tolist()), valid_loss=tuple(valid_loss[is_kept].tolist()), outcome=outcome,
    )  # fmt: skip
