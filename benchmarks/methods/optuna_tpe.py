"""Optuna: TPE with Hyperband over learning rate, batch size, momentum, weight decay and length; one study gives all prefixes.

Its own defaults, but for the seed: `TPESampler`, `HyperbandPruner` whose resource is the share of a full training in sixteenths.
"""

import math

import optuna

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.space import LENGTH_SHARES
from benchmarks.proof.training import EVALUATIONS
from tunesmith.settings import Settings


def choose(problem: Problem, *, seed: int, budget: float) -> list[Choice]:
    """Every new best trial, with what the study had cost by then, until the budget is spent."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EVALUATIONS)
    study = optuna.create_study(sampler=sampler, pruner=pruner, study_name=f"seed {seed}")  # Hyperband draws a trial's bracket from the name
    unit = problem.task.full_training_examples / EVALUATIONS
    choices: list[Choice] = []

    def objective(trial: optuna.Trial) -> float:
        settings, share = suggest(problem, trial)

        def should_stop(examples: int, loss: float) -> bool:
            trial.report(loss, step=max(1, round(examples / unit)))
            return trial.should_prune()

        found = problem.search_training(settings, share=share, seed=10_000 * (seed + 1) + trial.number, should_stop=should_stop)
        if found.outcome == "diverged":
            return math.inf
        if found.outcome == "stopped":
            raise optuna.TrialPruned
        return found.valid["loss"]

    def note_best(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        spent = problem.spent_trainings
        if spent > budget:
            study.stop()
            return
        if trial.state == optuna.trial.TrialState.COMPLETE and math.isfinite(trial.value) and study.best_trial.number == trial.number:
            settings, share = suggest(problem, optuna.trial.FixedTrial(trial.params))
            choices.append(Choice.of(settings, total_steps=problem.steps_at(settings.batch_size, share=share), search=spent, note=f"trial {trial.number}"))

    study.optimize(objective, callbacks=[note_best])
    return choices


def suggest(problem: Problem, trial: optuna.trial.BaseTrial) -> tuple[Settings, float]:
    """Settings and share of the full length, from the same space as the reference."""
    space = problem.space
    has_decay = trial.suggest_categorical("has_decay", [True, False])
    settings = Settings(
        lr=trial.suggest_float("lr", *space.lr, log=True),
        batch_size=trial.suggest_int("batch_size", *space.batch_size, log=True),
        momentum=1 - trial.suggest_float("momentum_gap", *space.momentum_gap, log=True),
        weight_decay=trial.suggest_float("weight_decay", *space.weight_decay, log=True) if has_decay else 0.0,
        schedule="one_cycle",
    )
    return settings, trial.suggest_categorical("share", list(LENGTH_SHARES))
