"""One dial, the budget; what each stage of recipe `report` may spend is derived from it here, in view.

1. A full training at the first batch size must have `Thresholds.fewest_steps` updates, else `tune` abstains.
2. The first batch size is the user's (64 where nobody says), halved until a full training has 600 updates, but not below 16: short runs need updates.
3. Of the budget, .03 go to looking (timing), .08 to the bracket, .15 to the linear range test, the rest to short annealed runs.
4. A short run gets the rest divided by the number of runs that the stages are expected to make, but at most an eighth of a full training.
5. Where that leaves fewer than 16 updates a run, stages are dropped: first batch size, then momentum, then weight decay. Where even the peak cannot be
   confirmed, `tune` ends with `budget_spent`.

All shares are our choice.
"""

from dataclasses import dataclass

from tunesmith.cost import FORWARD_SHARE
from tunesmith.probes.lr_range import FEWEST_STEPS, MOST_BRACKET_STEPS

LOOK_SHARE = 0.03
BRACKET_SHARE = 0.08
RANGE_SHARE = 0.15
VALIDATION_SHARE = 0.15
"""Share of a short run's price that its evaluation may take."""
RANGE_VALIDATION_SHARE = 0.35
SINGLE_VALIDATION_SHARE = 0.25
"""Share of the updates' price that all evaluations of a run of a single probe may take (our choice; the same as for a range test inside a script)."""
SWEEP_EVALUATIONS = 24
"""On the way of a range test by itself (our choice: an edge is then known to a 25th of the range; fewer where they would cost too much)."""
CONSTANT_EVALUATIONS = 9
"""On the way of a short run of `min-lr` or `capacity` (our choice: enough to see a loss that turns)."""
SMALLEST_SLICE = 32
FEWEST_SHORT_STEPS = 16
LONGEST_SHORT_RUN = 1 / 8
FEWEST_FIRST_STEPS = 600
SMALLEST_FIRST_BATCH = 16
STAGE_RUNS = {"peak_lr": 6, "batch_size": 2, "momentum": 3, "weight_decay": 4}
"""Runs that each stage is expected to make, repeats and extensions included."""
DROP_ORDER = ("batch_size", "momentum", "weight_decay")


@dataclass(frozen=True, kw_only=True)
class SweepSize:
    """Length of a sweep and how it is validated.

    Attributes:
        steps: Updates.
        evaluations: Evaluations on the way.
        valid_examples: Size of the validation slice.
    """

    steps: int
    evaluations: int
    valid_examples: int

    def price(self, batch_size: int, *, norm_examples: int) -> float:
        """Examples forward and backward that the sweep takes, evaluations included."""
        return self.steps * batch_size + (self.evaluations + 1) * FORWARD_SHARE * (self.valid_examples + norm_examples)


@dataclass(frozen=True, kw_only=True)
class ShortSize:
    """What a short annealed run may cost.

    Attributes:
        examples: Price in examples forward and backward, evaluation included.
        valid_examples: Size of the validation slice.
        stages: Stages that are not dropped.
    """

    examples: float
    valid_examples: int
    stages: tuple[str, ...]

    def steps_at(self, batch_size: int, *, norm_examples: int) -> int:
        """Updates that the price pays for at `batch_size`."""
        evaluation = FORWARD_SHARE * (self.valid_examples + norm_examples)
        return max(1, int((self.examples - evaluation) / batch_size))


def first_batch_size(*, usual: int, full_training_examples: float, fixed: int | None) -> int:
    """Step 2 above.

    Example:
        >>> first_batch_size(usual=64, full_training_examples=20_000, fixed=None)
        32
    """
    if fixed is not None:
        return fixed
    size = usual
    while size > SMALLEST_FIRST_BATCH and full_training_examples / size < FEWEST_FIRST_STEPS:
        size = max(SMALLEST_FIRST_BATCH, size // 2)
    return size


def bracket_steps(*, search_examples: float, batch_size: int) -> int:
    """Updates of the bracket; may be below what a sweep needs, and then the budget is too small."""
    return min(MOST_BRACKET_STEPS, int(BRACKET_SHARE * search_examples / batch_size))


def range_size(*, search_examples: float, batch_size: int, n_valid: int, norm_examples: int) -> SweepSize:
    """Length of the linear range test: at least 20 updates, and 6 to 19 evaluations on the way for about a third of its price.

    Fewer evaluations, or none, where they would make it twice as dear as it may be: with BatchNorm each goes through hundreds of examples more.
    """
    allowed = RANGE_SHARE * search_examples
    valid_examples = min(n_valid, 256)
    price = FORWARD_SHARE * (valid_examples + norm_examples)
    evaluations = int(min(19, max(6, RANGE_VALIDATION_SHARE * allowed / price - 1)))
    evaluations = max(0, min(evaluations, int((2 * allowed - FEWEST_STEPS * batch_size) / price) - 1))
    steps = int((allowed - (evaluations + 1) * price) / batch_size)
    return SweepSize(steps=max(FEWEST_STEPS, steps), evaluations=evaluations, valid_examples=valid_examples)


def validation_size(*, trained_examples: float, evaluations: int, n_valid: int, norm_examples: int, slice_unit: int = 1) -> tuple[int, int]:
    """Evaluations on the way and examples of each, for a run of a single probe, so that all of them together cost at most a quarter of its updates.

    The slice is made smaller first, then evaluations are left out; the one at the end is always made, whatever it costs.

    Args:
        trained_examples: Examples forward and backward that the run takes.
        evaluations: How many are wanted on the way, evenly spaced in examples.
        n_valid: Validation examples.
        norm_examples: Examples that a re-estimation of BatchNorm statistics takes before each.
        slice_unit: A slice comes in whole multiples of it: a batch maker gives whole batches.

    Example:
        >>> validation_size(trained_examples=30_000, evaluations=24, n_valid=10_000, norm_examples=0)
        (24, 900)
        >>> validation_size(trained_examples=600, evaluations=24, n_valid=10_000, norm_examples=0)
        (13, 32)
    """
    allowed = SINGLE_VALIDATION_SHARE * trained_examples / FORWARD_SHARE  # examples forward
    size = min(n_valid, max(SMALLEST_SLICE, int(allowed / (evaluations + 1)) - norm_examples))
    size = min(n_valid, max(1, size // slice_unit) * slice_unit)
    return max(0, min(evaluations, int(allowed / (size + norm_examples)) - 1)), size


def short_size(
    *, left: float, full_training_examples: float, batch_size: int, n_valid: int, norm_examples: int, stages: tuple[str, ...], slice_unit: int = 1
) -> ShortSize | None:
    """Steps 4 and 5 above; None where not even the peak can be confirmed.

    Args:
        left: Examples that the search may still spend.
        full_training_examples: Of a full training.
        batch_size: Of the short runs.
        n_valid: Validation examples.
        norm_examples: Examples that a re-estimation of BatchNorm statistics takes.
        stages: What would be done if there were enough.
        slice_unit: A validation slice larger than this comes in whole multiples of it: a batch maker gives whole batches.
    """
    kept = [stage for stage in stages if stage in STAGE_RUNS]
    for dropped in (None, *DROP_ORDER):
        kept = [stage for stage in kept if stage != dropped]
        examples = min(left / max(1, sum(STAGE_RUNS[stage] for stage in kept)), LONGEST_SHORT_RUN * full_training_examples)
        valid_examples = int(min(n_valid, max(64, VALIDATION_SHARE * examples / FORWARD_SHARE - norm_examples)))
        if valid_examples > slice_unit:
            valid_examples -= valid_examples % slice_unit
        size = ShortSize(examples=examples, valid_examples=valid_examples, stages=tuple(kept))
        if size.steps_at(batch_size, norm_examples=norm_examples) >= FEWEST_SHORT_STEPS:
            return size
    return None
