"""A small study's parts, made by hand."""

from pathlib import Path

from tunesmith.cost import Cost
from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
from tunesmith.settings import Json, RunSpec, Settings
from tunesmith.study import Study

GRADIENTS = tuple(GradientSample(step=step, micro_batch_size=16, n_micro_batches=8, mean_square=3.0 + step, square_of_mean=1.0 + step / 2) for step in (1, 3))
DESCRIPTION: dict[str, Json] = {"task": "quadratic", "n_train": 100, "budget": 1.0, "full_training_examples": 1000.0}
FINGERPRINT = "f00d"


def make_run(*, seed: int = 0, steps: int = 5, outcome: RunOutcome = RunOutcome.FINISHED, trained_examples: int = 100, has_gradients: bool = False) -> Run:
    curve = Curve(
        lr=tuple(0.1 * step for step in range(steps)),
        momentum=(0.9,) * steps,
        train_loss=tuple(1 / (1 + step) for step in range(steps)),
        eval_step=(0, steps),
        valid_loss=(2.0, 1.0),
        metrics={"top": (0.1, 0.9), "accuracy": (0.2, 0.8)},
        test={"loss": 1.1},
        outcome=outcome,
        cost=Cost(trained_examples=trained_examples, evaluated_examples=30, seconds=0.5),
        gradients=GRADIENTS if has_gradients else (),
    )
    spec = RunSpec(settings=Settings(lr=0.1), total_steps=max(1, steps), seed=seed, gradient_points=2 if has_gradients else 0)
    return Run(spec=spec, curve=curve)


def create(folder: Path, *, fingerprint: str = FINGERPRINT, description: dict[str, Json] | None = None) -> Study:
    return Study.create(folder, fingerprint=fingerprint, description=DESCRIPTION if description is None else description)


def make_read_only(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        path.chmod(path.stat().st_mode & 0o555)
