"""The constants of judgement that decide between outcomes, in one frozen record that is stored with the study and printed in its report."""

import dataclasses
from dataclasses import dataclass

from tunesmith.settings import Json


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Constants of judgement; each with its source and what goes wrong when it moves.

    Attributes:
        diverged_rise: A run has diverged when the median of its last five training losses lies above the initial loss by this many times the largest of
            (initial - best, |initial|, ten times the noise of one batch). Our choice: smaller stops runs that recover, larger wastes budget on lost ones.
        edge_rise: In a range test a loss is lost for good once the lower quantile of each later window stays above its best by this share of the drop from its
            start to its best; where the edge lies is then fitted to the growth. Our choice: smaller takes noise for a loss that is lost, larger misses
            networks that fall back to less than their first loss.
        zone_rise: The zone of a range test is where the smoothed validation loss is within this share of that drop of its best. Our choice.
        flat_drop: A range test is flat when the loss drops by less than this many standard errors of its noise. Our choice: noise alone passes for a
            drop in 1 to 10 % of sweeps (tests/reading/test_range_test.py).
        hump_share: A rise that later falls again by at least this share is a hump and not the edge (METHOD, trap 1).
        overfit_rise: A run overfits when its final validation loss lies above its best by this share of that, or of what it had gained, while the training loss
            fell on. Our choice, as are the others of the clues, which were set on one half of the truth tasks (docs/diagnose.md): smaller takes noise
            for overfitting.
        unstable_rise: A run is unstable when its losses jump by this share of what was gained. Smaller takes the start of a run for it.
        hump_rise: A hump of the validation loss rises by this share of what was gained. Smaller takes ragged evaluations for it.
        unfinished_slope: A run is unfinished when its last fifth brought this share of the whole gain and no annealing is known.
        started_drop: A run has never started when its loss fell by less than this share of where it began.
        noisy_share: A run is too noisy when an evaluation is off by this share of what the training gained. Smaller gives up too early.
        large_gap: A gap between the losses is large from this share of the first loss on.
        steady_share: A run underfits when this share of the gain came in the second half of its way. Smaller takes slow tasks for it.
        high_left: A run underfits when it ends above this share of its first loss, without a gap.
        level_rise: A loss is level where it stays within this share of what was gained.
        close_noise: Two arms are close when they differ by less than this many standard deviations of the difference between seeds. Our choice.
        fewest_steps: `tune` abstains when a full training at the first batch size has fewer updates: no short run would have enough to anneal. Our choice.
    """

    diverged_rise: float = 2.0
    edge_rise: float = 0.5
    zone_rise: float = 0.1
    flat_drop: float = 3.0
    hump_share: float = 0.5
    overfit_rise: float = 0.1
    unstable_rise: float = 0.15
    hump_rise: float = 0.15
    unfinished_slope: float = 0.02
    started_drop: float = 0.02
    noisy_share: float = 0.4
    large_gap: float = 0.2
    steady_share: float = 0.2
    high_left: float = 0.65
    level_rise: float = 0.01
    close_noise: float = 2.0
    fewest_steps: int = 100

    def to_dict(self) -> dict[str, Json]:
        """A JSON object, for the study."""
        return dataclasses.asdict(self)


DEFAULT_THRESHOLDS = Thresholds()
