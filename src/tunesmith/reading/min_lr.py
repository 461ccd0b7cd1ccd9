"""Reads which learning rate a cycle should start from, by the report's three ways (section 4.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.errors import CurveError
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.reading.clues import read_clues
from tunesmith.settings import Json
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

MIN_LR_VERSION = 1
SHARES = (1 / 40, 1 / 20, 1 / 10, 1 / 4, 1 / 3)
"""Of the peak, what the short runs try: what the author used (/10, /20, /40) and the report's /3 and /4 (METHOD, section 2.1)."""
USUAL_SHARE = 1 / 10
"""Of the peak: where one cycle starts (report, section 5)."""
_LOST = ("diverged", "unstable", "never_started", "overfitting", "too_noisy")


@dataclass(frozen=True, kw_only=True)
class MinLrReading:
    """Learning rates to start a cycle from.

    Attributes:
        outcome: "found", or "flat" where convergence began at no learning rate tried.
        suggested_lr: A tenth of the peak where one cycle is used, or what the short runs allow if that is less; None where nothing converged.
        ways: The report's three: "a" peak/3 to peak/4; "b" peak/10 to peak/20, for one cycle; "c" the largest that converged without overfitting.
        findings: The evidence.
        advice: What to do.
        doubtful: The rates on either side of the limit of the third way where they rest on one seed: what a second one is worth for. Empty where nothing went
            wrong, and without a rate that diverged, which needs no second look.
    """

    outcome: str
    suggested_lr: float | None
    ways: dict[str, tuple[float, float]]
    findings: tuple[Finding, ...]
    advice: str
    doubtful: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith min-lr --format json`."""
        return {
            "version": MIN_LR_VERSION,
            "outcome": self.outcome,
            "suggestion": self.suggested_lr,
            "ways": {name: list(pair) for name, pair in self.ways.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
        }


def read_min_lr(experiment: Experiment, *, max_lr: float | None = None, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> MinLrReading:
    """The three ways, and the one to use with one cycle.

    The third way takes the largest rate up to which every run, on every seed, began to converge without overfitting, instability or divergence. A rate
    that went well above one that did not is luck, and is not taken. A loss that still falls at the end is no trouble: these runs are short.

    Args:
        experiment: Constant-rate runs; `value` of an arm is its learning rate, arms of one value are seeds.
        max_lr: The peak. None means three times the largest rate tried, which is the peak where `probes.min_lr` was given no other shares.
        thresholds: The constants of judgement.

    Raises:
        CurveError: No run at a constant rate.
    """
    clues: dict[float, list[str]] = {}
    exact: dict[float, float] = {}
    for arm in experiment.arms:
        if arm.value is not None:
            exact.setdefault(float(f"{arm.value:.6g}"), arm.value)
            clues.setdefault(float(f"{arm.value:.6g}"), []).append(read_clues(arm.run.curve, thresholds=thresholds)[0].kind)
    if not clues:
        raise CurveError("The start of a cycle must be read from runs at constant learning rates, and there is none. Pass what probes.min_lr returned.")
    peak = max_lr if max_lr is not None else max(clues) / max(SHARES)
    rates = sorted(clues)
    trouble = {lr: next((kind for kind in clues[lr] if kind in _LOST), "") for lr in rates}
    tried = ", ".join(f"{lr:.2g} ({', '.join(dict.fromkeys(clues[lr]))})" for lr in rates)
    evidence = f"Short runs of {experiment.arms[0].run.spec.total_steps} updates at constant rates {tried}; {_seeds_text(clues)}."
    ways = {"a": (peak / 4, peak / 3), "b": (peak / 20, peak / 10)}
    lowest = next((lr for lr in rates if not trouble[lr]), None)
    if lowest is None:
        return _nothing_fits(ways, evidence)
    beyond = next((lr for lr in rates if lr > lowest and trouble[lr]), None)
    largest = max(lr for lr in rates if beyond is None or lr < beyond)
    has_island = beyond is not None and any(lr > beyond and not trouble[lr] for lr in rates)
    ways["c"] = (lowest, largest)
    suggested = float(f"{min(USUAL_SHARE * peak, largest):.3g}")
    limit = "no rate tried was too large" if beyond is None else f"{beyond:.2g} ends {trouble[beyond].replace('_', ' ')}"
    finding = Finding(
        kind="min_lr", value=suggested, interval=(lowest, largest), confidence=_confidence(clues, largest, has_island=has_island),
        evidence=f"{evidence} Up to {largest:.2g} they converge without signs of trouble; {limit}."
        + (" A larger rate went well: noise is as large as the differences here." if has_island else ""),
        not_established="That the start of the cycle matters here: one cycle is nearly independent of it."
        + (" That another seed has the same limit." if len(clues[largest]) == 1 else ""),
    )  # fmt: skip
    return MinLrReading(
        outcome="found",
        suggested_lr=suggested,
        ways=ways,
        findings=(finding,),
        advice=f"Start the cycle at {suggested:.2g}; by short runs anything up to {largest:.2g} converges.",
        doubtful=tuple(exact[lr] for lr in (largest, beyond) if lr is not None and len(clues[lr]) == 1 and beyond is not None and trouble[lr] != "diverged"),
    )


def _confidence(clues: Mapping[float, list[str]], largest: float, *, has_island: bool) -> float:
    if has_island or len({kind in _LOST for kind in clues[largest]}) > 1:
        return 0.4
    return 0.7 if len(clues[largest]) > 1 else 0.6


def _seeds_text(clues: Mapping[float, list[str]]) -> str:
    repeated = [f"{lr:.2g}" for lr, kinds in sorted(clues.items()) if len(kinds) > 1]
    most = max(map(len, clues.values()))
    if not repeated:
        return "one seed"
    return f"{most} seeds" if len(repeated) == len(clues) else f"{most} seeds at {' and '.join(repeated)}, one elsewhere"


def _nothing_fits(ways: dict[str, tuple[float, float]], evidence: str) -> MinLrReading:
    finding = Finding(
        kind="min_lr", confidence=0.6, evidence=evidence, not_established="That no smaller rate converges.", action="Lower max_lr, or train longer."
    )
    advice = "No rate tried began to converge: lower max_lr or raise steps."
    return MinLrReading(outcome="flat", suggested_lr=None, ways=ways, findings=(finding,), advice=advice)
