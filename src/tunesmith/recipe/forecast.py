"""What a study is going to cost, as a range, before it is spent."""

from tunesmith.cost import FORWARD_SHARE
from tunesmith.recipe.allowance import BRACKET_SHARE, LONGEST_SHORT_RUN, LOOK_SHARE, RANGE_SHARE, STAGE_RUNS
from tunesmith.recipe.beside import QUARTER
from tunesmith.recipe.confirming import MOST_ANSWERS, SHORTEST_ANSWER, evaluations, validation_slice
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.climb import LADDER_KNOBS, RUNG_SHARES
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.progress import Forecast
from tunesmith.settings import Settings
from tunesmith.task import size_of

LEAST_SWEEP_SHARE, LEAST_SHORT_SHARE = 0.1, 0.5
"""Sweeps that diverge halfway take a tenth of the budget, and stages that extend and repeat nothing half of what short runs may take (our choice)."""


def forecast_of(lab: Laboratory, limits: Limits, *, batch_size: int, seconds_per_step: dict[int, float], confirm_seeds: int, is_ladder: bool) -> Forecast:
    """Search, total and seconds as ranges; a study that abstains costs less.

    The lower end takes a search that needs no extension and a plan that is not tried at another length; the upper end takes the whole budget, and a plan
    that is changed and confirmed again, twice. Recipe ladder may come to a plan as short as its runs, and to a quarter of a training with the current settings.
    """
    budget = lab.budget
    runs = sum(count for stage, count in STAGE_RUNS.items() if limits.is_free("lr" if stage == "peak_lr" else stage))
    short = min((1 - LOOK_SHARE - BRACKET_SHARE - 2 * RANGE_SHARE) * budget, runs * LONGEST_SHORT_RUN)
    low, high = (LEAST_SWEEP_SHARE * budget if limits.is_free("lr") else 0.0) + LEAST_SHORT_SHARE * short, budget
    if is_ladder and not limits.leaves_any(LADDER_KNOBS):
        low = high = 0.0
    baseline = 0.0
    if isinstance(lab.task.current, Settings) and lab.task.current.epochs is not None:
        baseline = lab.task.current.epochs / lab.task.full_epochs
    elif lab.task.current is not None:
        baseline = 1.0
    evaluated = (evaluations(lab) + 1) * (validation_slice(lab) or lab.checked.n_valid) + (size_of(lab.task.test) or 0)
    looks = FORWARD_SHARE * evaluated / lab.full_training_examples  # as many however short the run
    beside = baseline + (looks if baseline else 0.0)
    is_early = is_ladder and budget <= 1 and confirm_seeds == 1 and isinstance(lab.task.current, Settings)
    least_beside, most_beside = (QUARTER * baseline, (1 + QUARTER) * baseline + 2 * looks) if is_early else (beside, beside)
    shortest = RUNG_SHARES[0] * SHORTEST_ANSWER if is_ladder and limits.is_free("epochs") else 1.0
    confirm = (confirm_seeds * (shortest + looks), (confirm_seeds + MOST_ANSWERS) * (1 + looks))
    total = (low + confirm[0] + least_beside, high + confirm[1] + most_beside)
    seconds = seconds_per_step.get(batch_size)
    seconds_a_training = None if seconds is None else seconds * lab.task.steps_at(batch_size)
    stages = (
        ("look", 0.0, LOOK_SHARE * budget),
        ("bracket", 0.0, BRACKET_SHARE * budget),
        ("lr_range", RANGE_SHARE * budget / 2, 2 * RANGE_SHARE * budget),
        ("short annealed runs", LEAST_SHORT_SHARE * short, (1 - BRACKET_SHARE - RANGE_SHARE) * budget),
        ("confirm", *confirm),
    )
    return Forecast(
        search=(low, high),
        total=total,
        seconds=None if seconds_a_training is None else (total[0] * seconds_a_training * 0.7, total[1] * seconds_a_training * 1.6),
        stages=stages,
    )
