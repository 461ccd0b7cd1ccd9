"""The baseline that needs no tool: random settings for one epoch each, the best of them in full, the best of these by validation loss."""

import itertools

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.space import draw
from benchmarks.proof.training import EVALUATIONS
from tunesmith.cost import Cost
from tunesmith.settings import Settings

SHORT_TASK_EPOCHS = 2


def choose(problem: Problem, *, seed: int, budget: float) -> Choice:
    """About half of the budget goes to full trainings, at least one; what these leave, to the runs of one epoch that they are chosen by.

    The settings are drawn from the reference's space but under other seeds, and their drawn lengths are ignored. Each short run has a 1cycle of its own.
    Short runs have a quarter of the budget even where one full training leaves less: then it is overdrawn.
    Where a full training has no more than 2 epochs, a short run is a sixteenth of it.
    """
    task, seeds = problem.task, itertools.count(10_000 * (seed + 1))
    share = 1 / task.full_epochs if task.full_epochs > SHORT_TASK_EPOCHS else 1 / EVALUATIONS

    def valid_loss(settings: Settings, *, share: float) -> float:
        return problem.search_training(settings, share=share, seed=next(seeds)).valid["loss"]

    price = 1 + problem.in_trainings(Cost(evaluated_examples=EVALUATIONS * (task.n_valid or 0)))
    count = max(1, round(budget / 2 / price))
    short: list[tuple[float, Settings]] = []
    while problem.spent_trainings + share * price <= max(budget - count * price, budget / 4) or not short:
        settings, _ = draw(task, seed=1 + seed, index=len(short))
        short.append((valid_loss(settings, share=share), settings))
    short.sort(key=lambda run: run[0])
    full = [(valid_loss(settings, share=1.0), settings) for _, settings in short[:count]]
    _, best = min(full, key=lambda run: run[0])
    note = f"best of {len(full)} after {len(short)} short ones"
    return Choice.of(best, total_steps=problem.steps_at(best.batch_size), search=problem.spent_trainings, note=note)
