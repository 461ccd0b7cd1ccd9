"""Momentum by short annealed runs at the report's values, cycled down by .1 while the learning rate rises."""

import dataclasses

from tunesmith import probes
from tunesmith.probes.momentum import MOMENTA, at_momentum
from tunesmith.reading.comparison import choice_finding
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, arm_of, judge, lr_interval, price_of, short_steps


def choose_momentum(lab: Laboratory, tuning: Tuning, limits: Limits, *, largest_lr: float | None) -> Tuning:
    """The settings at the best of .9, .95, .97, .99; the value at hand where no other can be told from it."""
    incumbent = tuning.settings.momentum
    values = tuple(sorted({*limits.within("momentum", MOMENTA), incumbent}))
    allowed = lr_interval(limits, largest_lr=largest_lr)
    if not limits.is_free("momentum") or "momentum" not in tuning.short.stages or price_of(lab, tuning, values=len(values)) > lab.left:
        return tuning
    lab.progress.stage("momentum", f"Short annealed runs at momenta {', '.join(f'{value:g}' for value in values)}.")
    steps = short_steps(lab, tuning, batch_size=tuning.settings.batch_size)
    experiment = probes.momentum(
        lab.task, tuning.settings, total_steps=steps, planned_steps=lab.task.steps_at(tuning.settings.batch_size), values=values, lr_interval=allowed,
        seed=lab.search_seed(0), valid_examples=tuning.short.valid_examples, optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
    )  # fmt: skip
    comparison = judge(lab, tuning, experiment)
    keeps = comparison.prefers(incumbent)
    chosen = incumbent if keeps else arm_of(experiment, comparison.best).value or incumbent
    finding = choice_finding(
        "momentum", comparison, chosen=chosen,
        evidence=f"One short annealed run of {steps} updates at each of {len(values)} momenta, at learning rates that move the weights equally far.",
        not_established="That the order stays the same in a full training, or that a cycle beats a constant momentum.",
    )  # fmt: skip
    experiment = lab.put(
        dataclasses.replace(
            experiment, findings=(finding,), verdict=f"Momentum {chosen:g}" + (", since none is better by more than the noise that is known." if keeps else ".")
        )
    )
    settings = tuning.settings if chosen == incumbent else at_momentum(tuning.settings, chosen, optimizer_name=lab.checked.acts_like, lr_interval=allowed)
    return dataclasses.replace(tuning, settings=settings, experiments=(*tuning.experiments, experiment), findings=(*tuning.findings, finding))
