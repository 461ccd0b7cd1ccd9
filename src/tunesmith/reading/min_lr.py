"""Reads which learning rate a cycle should start from, by the report's three ways (section 4.1)."""

from dataclasses import dataclass

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.reading.clues import read_clues
from tunesmith.settings import Json
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

MIN_LR_VERSION = 1
USUAL_SHARE = 1 / 10
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
    """

    outcome: str
    suggested_lr: float | None
    ways: dict[str, tuple[float, float]]
    findings: tuple[Finding, ...]
    advice: str

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


def read_min_lr(experiment: Experiment, *, max_lr: float, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> MinLrReading:
    """The three ways, and the one to use with one cycle.

    Args:
        experiment: Constant-rate runs; `value` of an arm is its learning rate.
        max_lr: The peak.
        thresholds: The constants of judgement.
    """
    ways = {"a": (max_lr / 4, max_lr / 3), "b": (max_lr / 20, max_lr / 10)}
    clues = {arm.value: read_clues(arm.run.curve, thresholds=thresholds)[0] for arm in experiment.arms if arm.value is not None}
    fit = sorted(lr for lr, clue in clues.items() if clue.kind not in _LOST)
    tried = ", ".join(f"{lr:.2g} ({clue.kind})" for lr, clue in sorted(clues.items()))
    evidence = f"Short runs of {experiment.arms[0].run.spec.total_steps} updates at constant rates {tried}; one seed."
    if not fit:
        finding = Finding(
            kind="min_lr", confidence=0.6, evidence=evidence, not_established="That no smaller rate converges.", action="Lower max_lr, or train longer."
        )
        return MinLrReading(
            outcome="flat", suggested_lr=None, ways=ways, findings=(finding,), advice="No rate tried began to converge: lower --max-lr or raise --steps."
        )
    ways["c"] = (fit[0], fit[-1])
    suggested = float(f"{min(USUAL_SHARE * max_lr, fit[-1]):.3g}")
    finding = Finding(
        kind="min_lr", value=suggested, interval=(fit[0], fit[-1]), confidence=0.6, evidence=evidence,
        not_established="That the start of the cycle matters here: one cycle is nearly independent of it.",
    )  # fmt: skip
    advice = f"Start the cycle at {suggested:.2g}; by short runs anything up to {fit[-1]:.2g} converges."
    return MinLrReading(outcome="found", suggested_lr=suggested, ways=ways, findings=(finding,), advice=advice)
