"""Reads short annealed runs of a series of networks: where the loss falls with capacity, where it is level, where it rises (report, section 3).

The smallest network of the level part is the one to take. What the noise between seeds cannot tell apart is called level; without repeats nothing is.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tunesmith.curve import Curve
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.comparison import MOST_CONFIDENCE, noise_between_seeds
from tunesmith.reading.goal import score
from tunesmith.settings import Json, RunKind
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

CAPACITY_VERSION = 1
_LAST_SHARE, _START_UPDATES = 0.1, 5
"""The end of a run, over which its training loss is taken, and its start, from which what it learnt is counted (both our choice)."""
FALLING, LEVEL, RISING = "falling", "level", "rising"


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network of the series.

    Attributes:
        label: Its name.
        n_parameters: Trained parameters.
        losses: Final validation loss (or the goal, as a score where smaller is better) of each seed; infinite where a run did not finish; empty where its
            range test suggested no learning rate.
        train_loss: Median training loss over the last tenth, mean of the seeds; None where no run finished.
        max_lr: The learning rate that it was trained at; None where it was not.
        is_steady: Whether its seeds agree to within `Thresholds.unstable_rise` of what a run learnt; if they do not, its learning rate is at the brink.
        part: "falling", "level", "rising", or "unknown".
    """

    label: str
    n_parameters: float
    losses: tuple[float, ...]
    train_loss: float | None
    max_lr: float | None
    is_steady: bool
    part: str

    @property
    def loss(self) -> float:
        """Mean over the seeds; infinite where any failed."""
        return fmean(self.losses) if self.losses else math.inf

    def to_dict(self) -> dict[str, Json]:
        """A JSON object; what is not finite is null."""
        return {
            "label": self.label,
            "n_parameters": self.n_parameters,
            "loss": self.loss if math.isfinite(self.loss) else None,
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "train_loss": self.train_loss,
            "max_lr": self.max_lr,
            "is_steady": self.is_steady,
            "part": self.part,
        }


@dataclass(frozen=True, kw_only=True)
class CapacityReading:
    """Loss over capacity, its parts named.

    Attributes:
        outcome: "found": a level part with something worse on at least one side. "still_falling": the largest network is clearly the best. "rising": the
            smallest is. "no_difference": nothing stands out from the noise. "cannot_tell": fewer than two networks finished steadily, the noise is not known,
            or the parts are not in order.
        best: Label of the network to take: the smallest of the level part; None where nothing can be told.
        networks: By size, each with its part.
        noise: Standard deviation between seeds; 0 where it is not known.
        findings: The evidence.
        advice: What to do.
    """

    outcome: str
    best: str | None
    networks: tuple[Network, ...]
    noise: float
    findings: tuple[Finding, ...]
    advice: str

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith capacity --format json` (docs/command-line.md)."""
        return {
            "version": CAPACITY_VERSION,
            "outcome": self.outcome,
            "suggestion": self.best,
            "networks": [network.to_dict() for network in self.networks],
            "noise": self.noise,
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
        }


def read_capacity(
    experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> CapacityReading:
    """Name the falling, the level and the rising part of the loss over capacity.

    Args:
        experiment: What `probes.capacity` returned: `value` of an arm is its number of parameters, arms of one label are seeds; sweeps are passed over.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.
        thresholds: `close_noise` says from how many standard deviations of a difference on two networks can be told apart.

    Raises:
        CurveError: No network.

    Example:
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.settings import RunSpec, Settings
        >>> def arm(size, loss, seed):
        ...     curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(loss,), eval_step=(1,), valid_loss=(loss + 0.01 * seed,))
        ...     spec = RunSpec(settings=Settings(), total_steps=1, seed=seed, condition=str(size))
        ...     return Arm(label=str(size), value=size, run=Run(spec=spec, curve=curve))
        >>> arms = [arm(size, loss, seed) for size, loss in ((10, 2.0), (100, 1.0), (1000, 1.005)) for seed in (0, 1)]
        >>> reading = read_capacity(Experiment(probe="capacity", arms=tuple(arms)))
        >>> reading.outcome, reading.best, [network.part for network in reading.networks]
        ('found', '100', ['falling', 'level', 'level'])
    """
    networks = _networks(experiment, goal=goal, higher_is_better=higher_is_better, thresholds=thresholds)
    if not networks:
        raise CurveError("Capacity must be read from runs of networks with their number of parameters, and there is none. Pass what probes.capacity returned.")
    finished = [network for network in networks if math.isfinite(network.loss) and network.is_steady]
    labels = {network.label for network in finished}
    runs = tuple(arm for arm in experiment.arms if arm.run.spec.kind == RunKind.CYCLE and arm.label in labels)
    noise = noise_between_seeds([Experiment(probe=experiment.probe, arms=runs)], goal=goal, higher_is_better=higher_is_better)
    if len(finished) < 2:  # noqa: PLR2004 (one network has nothing beside it)
        why = "Fewer than two networks finished their runs with seeds that agree."
        return _unknown(networks, noise=noise, why=why, action="Give more steps or lower rates (max_lrs), or add networks.")
    if noise <= 0:
        return _unknown(networks, noise=noise, why="No network was repeated, so the noise is not known.", action="Repeat with two seeds or more.")
    return _named_parts(networks, finished, noise=noise, thresholds=thresholds)


def _networks(experiment: Experiment, *, goal: str, higher_is_better: bool, thresholds: Thresholds) -> list[Network]:
    arms: dict[str, list[Arm]] = {}
    for arm in experiment.arms:
        if arm.value is not None:
            arms.setdefault(arm.label, []).append(arm)
    found = []
    for label, mine in arms.items():
        runs = [arm.run for arm in mine if arm.run.spec.kind == RunKind.CYCLE]
        levels = [float(np.median(run.curve.train_loss[-max(1, round(_LAST_SHARE * len(run.curve.train_loss))) :])) for run in runs if run.curve.train_loss]
        finite = [level for level in levels if math.isfinite(level)]
        found.append(
            Network(
                label=label,
                n_parameters=mine[0].value or 0.0,
                losses=tuple(score(run.curve, goal=goal, higher_is_better=higher_is_better) for run in runs),
                train_loss=fmean(finite) if finite else None,
                max_lr=runs[0].spec.settings.lr if runs else None,
                is_steady=_is_steady([run.curve for run in runs], thresholds),
                part="unknown",
            )
        )
    return sorted(found, key=lambda network: network.n_parameters)


def _is_steady(curves: Sequence[Curve], thresholds: Thresholds) -> bool:
    """Whether the final losses of the seeds lie within a share of the drop from the first losses to the best of them."""
    finals = [curve.valid_loss[-1] for curve in curves if curve.valid_loss and math.isfinite(curve.valid_loss[-1])]
    if len(finals) < 2:  # noqa: PLR2004 (nothing to disagree with)
        return True
    start = float(np.median([loss for curve in curves for loss in curve.train_loss[:_START_UPDATES]]))
    return max(finals) - min(finals) <= thresholds.unstable_rise * max(start - min(finals), 0.0) or start <= min(finals)


def _named_parts(networks: Sequence[Network], finished: Sequence[Network], *, noise: float, thresholds: Thresholds) -> CapacityReading:
    best = min(finished, key=lambda network: network.loss)

    def is_level(network: Network) -> bool:
        spread = noise * math.sqrt(1 / len(network.losses) + 1 / len(best.losses))
        return network.loss - best.loss <= thresholds.close_noise * spread

    level = [index for index, network in enumerate(finished) if is_level(network)]
    low, high = level[0], level[-1]
    if any(not is_level(network) for network in finished[low : high + 1]):
        why = "A network between two good ones is clearly worse, so the loss does not change with capacity alone."
        return _unknown(networks, noise=noise, why=why, action="Look at that network's learning rate and curves, or repeat with more seeds.")
    parts = {network.label: FALLING if index < low else RISING if index > high else LEVEL for index, network in enumerate(finished)}
    named = tuple(dataclasses.replace(network, part=parts.get(network.label, "unknown")) for network in networks)
    smallest, last = finished[low], len(finished) - 1
    outcome = "no_difference" if (low, high) == (0, last) else "still_falling" if low == last else "rising" if high == 0 else "found"
    rises_by_overfitting = _overfits(finished[high + 1 :], best)
    advice = _advice(outcome, smallest, rises_by_overfitting=rises_by_overfitting)
    return CapacityReading(
        outcome=outcome,
        best=smallest.label,
        networks=named,
        noise=noise,
        findings=_findings(named, smallest, noise=noise, advice=advice, outcome=outcome, rises_by_overfitting=rises_by_overfitting),
        advice=advice,
    )


def _overfits(rising: Sequence[Network], best: Network) -> bool:
    """Whether what is worse in validation is not worse in training: else the larger networks were trained too little or too roughly, and did not overfit."""
    return bool(rising) and best.train_loss is not None and all(network.train_loss is not None and network.train_loss <= best.train_loss for network in rising)


def _advice(outcome: str, smallest: Network, *, rises_by_overfitting: bool) -> str:
    name = f"'{smallest.label}' ({smallest.n_parameters:,.0f} parameters)"
    if outcome == "no_difference":
        return f"The noise cannot tell these networks apart: take the smallest, {name}, or try ones that differ by more."
    if outcome == "still_falling":
        return f"The loss still falls at {name}, the largest: try larger networks."
    if outcome == "rising":
        doing = "Try smaller ones, or regularise" if rises_by_overfitting else "Train the larger ones longer before they are judged, or try smaller ones"
        return f"{name} is the smallest and the best. {doing}."
    return f"Take {name}: the smallest network of the level part."


def _findings(networks: Sequence[Network], smallest: Network, *, noise: float, advice: str, outcome: str, rises_by_overfitting: bool) -> tuple[Finding, ...]:
    seeds = max(len(network.losses) for network in networks)
    level = [network.n_parameters for network in networks if network.part == LEVEL]
    choice = Finding(
        kind="capacity", value=smallest.n_parameters, interval=(min(level), max(level)), confidence=0.5 if outcome == "no_difference" else MOST_CONFIDENCE,
        evidence=f"{len(networks)} networks on {seeds} seed{'s' if seeds > 1 else ''}, each at its own learning rate: {_listed(networks)}. "
        f"Standard deviation between seeds {noise:.2g}.",
        not_established="What a full training does: overfitting comes late, and the larger networks may gain more from it.", action=advice,
    )  # fmt: skip
    told = {
        FALLING: ("underfitting", "These networks are too small for the data.", "Whether more updates would close the gap."),
        RISING: (
            ("overfitting", "Their training loss is no higher: they are too large for the data.", "That more regularisation would not mend it.")
            if rises_by_overfitting
            else (
                "undertrained",
                "Their training loss is higher as well: they were not trained far enough, which is no overfitting.",
                "What they reach in the end.",
            )
        ),
    }
    parts = [choice]
    for part, (kind, meaning, doubt) in told.items():
        mine = [network for network in networks if network.part == part]
        if mine:
            sizes = (mine[0].n_parameters, mine[-1].n_parameters)
            parts.append(Finding(kind=kind, interval=sizes, confidence=0.6, evidence=f"{_listed(mine)}. {meaning}", not_established=doubt))
    return tuple(parts)


def _listed(networks: Sequence[Network]) -> str:
    return ", ".join(
        f"'{network.label}' {f'{network.loss:.4g}' if math.isfinite(network.loss) else 'failed'}{'' if network.is_steady else ' (its seeds disagree)'}"
        for network in networks
    )


def _unknown(networks: Sequence[Network], *, noise: float, why: str, action: str) -> CapacityReading:
    finding = Finding(kind="capacity", confidence=0.8, evidence=f"{why} {_listed(networks)}.", not_established="Which capacity suits the data.", action=action)
    return CapacityReading(outcome="cannot_tell", best=None, networks=tuple(networks), noise=noise, findings=(finding,), advice=f"{why} {action}")
