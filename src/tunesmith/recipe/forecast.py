"""What a study is going to cost, as a range, before it is spent."""

from tunesmith.cost import FORWARD_SHARE
from tunesmith.recipe.allowance import BRACKET_SHARE, LOOK_SHARE, RANGE_SHARE
from tunesmith.recipe.confirming import evaluations
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.progress import Forecast
from tunesmith.settings import Settings
from tunesmith.task import size_of

LEAST_SEARCH_SHARE = 0.5
"""A search rarely hands back more than half of its budget (our choice)."""


def forecast_of(lab: Laboratory, *, batch_size: int, seconds_per_step: dict[int, float], confirm_seeds: int) -> Forecast:
    """Search, total and seconds as ranges.

    The lower end takes a search that needs no extension and a plan that is not tried at another length; the upper end takes the whole budget, and a plan
    that overfits and is confirmed again at two shorter lengths.
    """
    budget = lab.budget
    low, high = LEAST_SEARCH_SHARE * budget, budget
    baseline = 0.0
    if isinstance(lab.task.current, Settings) and lab.task.current.epochs is not None:
        baseline = lab.task.current.epochs / lab.task.full_epochs
    elif lab.task.current is not None:
        baseline = 1.0
    evaluated = (evaluations(lab) + 1) * lab.checked.n_valid + (size_of(lab.task.test) or 0)
    priced = 1.0 + FORWARD_SHARE * evaluated / lab.full_training_examples
    total = (low + priced * (confirm_seeds + baseline), high + priced * (confirm_seeds * (1 + 0.75 + 0.75**2) + baseline))
    seconds = seconds_per_step.get(batch_size)
    seconds_a_training = None if seconds is None else seconds * lab.task.steps_at(batch_size)
    stages = (
        ("look", 0.0, LOOK_SHARE * budget),
        ("bracket", 0.0, BRACKET_SHARE * budget),
        ("lr_range", RANGE_SHARE * budget / 2, 2 * RANGE_SHARE * budget),
        ("short annealed runs", low / 2, (1 - BRACKET_SHARE - RANGE_SHARE) * budget),
        ("confirm", float(confirm_seeds), priced * confirm_seeds * (1 + 0.75 + 0.75**2)),
    )
    return Forecast(
        search=(low, high),
        total=total,
        seconds=None if seconds_a_training is None else (total[0] * seconds_a_training * 0.7, total[1] * seconds_a_training * 1.6),
        stages=stages,
    )
