"""Weight decay by the report's grid, chosen by size of data and network; the exponent bisected, borders extended."""

import dataclasses

from tunesmith import probes
from tunesmith.experiment import Experiment
from tunesmith.probes.weight_decay import usual_decays
from tunesmith.reading.comparison import Comparison, choice_finding
from tunesmith.reading.weight_decay import next_decay
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, arm_of, judge, merged, price_of, short_steps
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings

MOST_EXTRA_RUNS = 2


def grid(lab: Laboratory, settings: Settings, limits: Limits) -> tuple[float, ...]:
    """Weight decays to try, ascending: by optimizer, depth of the network and size of the data, within the user's bounds."""
    unit = total_decay_of_one(lab, settings) if lab.checked.acts_like == "adamw" else 1.0
    values = usual_decays(
        acts_like=lab.checked.acts_like, n_weight_layers=lab.checked.n_weight_layers, n_train=lab.task.n_train, total_decay_of_one=unit
    )  # fmt: skip
    return limits.within("weight_decay", values)


def starting_decay(values: tuple[float, ...]) -> float:
    """The weight decay to start from: the smallest of the grid that is not zero, so that it hardly hinders the search for the peak."""
    return min((value for value in values if value > 0), default=0.0)


def choose_weight_decay(lab: Laboratory, tuning: Tuning, limits: Limits) -> Tuning:
    """The settings at the largest weight decay whose score is within the noise of the best."""
    values = grid(lab, tuning.settings, limits)
    incumbent = tuning.settings.weight_decay
    tried = tuple(sorted({*values, incumbent}))
    if not limits.is_free("weight_decay") or "weight_decay" not in tuning.short.stages or price_of(lab, tuning, values=len(tried)) > lab.left:
        return tuning
    lab.progress.stage("weight_decay", f"Short annealed runs at weight decays {', '.join(f'{value:.1g}' for value in tried)}.")
    experiment = _runs(lab, tuning, tried)
    for _ in range(MOST_EXTRA_RUNS):
        value = _refinement(judge(lab, tuning, experiment), experiment, limits)
        if value is None or tuning.short.examples > lab.left:
            break
        experiment = merged(experiment, _runs(lab, tuning, (value,)))
    comparison = judge(lab, tuning, experiment)
    chosen = largest_within_noise(comparison, incumbent=incumbent)
    finding = choice_finding(
        "weight_decay", comparison, chosen=chosen,
        evidence=f"One short annealed run at each of {len(experiment.arms)} weight decays, with the total decay of a full training.",
        not_established="How much decay a full training needs against overfitting: that comes late." + _border(chosen, comparison),
    )  # fmt: skip
    experiment = lab.put(dataclasses.replace(experiment, findings=(finding,), verdict=f"Weight decay {chosen:.1g}: the largest within the noise of the best."))
    settings = dataclasses.replace(tuning.settings, weight_decay=chosen)
    return dataclasses.replace(tuning, settings=settings, experiments=(*tuning.experiments, experiment), findings=(*tuning.findings, finding))


def largest_within_noise(comparison: Comparison, *, incumbent: float) -> float:
    """The largest weight decay that is worse than the best by no more than the noise of one run; the incumbent where nothing finished.

    Overfitting comes late (METHOD, trap 7), so a decay that a short run does not feel is worth having.
    """
    if comparison.prefers(incumbent) and comparison.noise <= 0:
        return incumbent
    bound = comparison.scores[comparison.best] + comparison.noise
    return max(comparison.values[label] or 0.0 for label, found in comparison.scores.items() if found <= bound)


def _runs(lab: Laboratory, tuning: Tuning, values: tuple[float, ...]) -> Experiment:
    batch_size = tuning.settings.batch_size
    return probes.weight_decay(
        lab.task, tuning.settings, total_steps=short_steps(lab, tuning, batch_size=batch_size), planned_steps=lab.task.steps_at(batch_size), values=values,
        seed=lab.search_seed(0), valid_examples=tuning.short.valid_examples, optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
    )  # fmt: skip


def _refinement(comparison: Comparison, experiment: Experiment, limits: Limits) -> float | None:
    """The next value: past the border where the best lies on it, else the middle exponent between the best and the better of its neighbours, if it matters."""
    if not comparison.best or not comparison.matters:
        return None
    score_of = {arm_of(experiment, label).value or 0.0: found for label, found in comparison.scores.items()}
    value = limits.clip("weight_decay", next_decay(score_of))
    return None if value in score_of else value


def _border(chosen: float, comparison: Comparison) -> str:
    tried = [value for value in comparison.values.values() if value is not None]
    return f" {chosen:.1g} lies at the border of what was tried." if chosen in (max(tried), min(tried)) and chosen > 0 else ""


def total_decay_of_one(lab: Laboratory, settings: Settings) -> float:
    """Total decay of a full training at a weight decay of 1."""
    shape = lab.task.schedule if callable(lab.task.schedule) else None
    one = dataclasses.replace(settings, weight_decay=1.0)
    return total_decay(one, total_steps=lab.task.steps_at(settings.batch_size), optimizer_name=lab.checked.acts_like, shape=shape)
