"""The usual untuned start: SGD .01 with momentum .9, AdamW .001 with decay .01; batches of 64, constant learning rate, the full length."""

from benchmarks.proof.problem import Choice, Problem


def choose(problem: Problem, *, seed: int) -> Choice:
    """The same for every task; nothing is searched."""
    del seed
    return Choice.of(problem.untuned, total_steps=problem.steps_at(problem.untuned.batch_size))
