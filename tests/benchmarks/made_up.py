"""A task of milliseconds, and methods that behave, crash, vanish or bring their own trainer; the bench's command, called on them."""

import contextlib
import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.proof.__main__ import main

ROOT = Path(__file__).parents[2]

TINY = """
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

def part(n, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator)
    return x, (x.sum(dim=1) > 0).long()

def task():
    return ts.Task(model=lambda: nn.Linear(4, 2), train=part(64, 0), valid=part(32, 1), test=part(32, 2), loss=F.cross_entropy, epochs=2)
"""

METHODS = {
    "good": """
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed):
            assert problem.task.test is None
            found = problem.search_training(Settings(lr=0.3, batch_size=16), share=0.5, seed=seed)
            assert found.test == {"loss": float("inf")}
            return Choice.of(Settings(lr=0.3, batch_size=16), total_steps=8, search=problem.spent_trainings)
    """,
    "searcher": """
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed, budget):
            return [Choice.of(Settings(lr=0.01 * 1.5**i, batch_size=16), total_steps=8, search=float(i)) for i in range(1, int(budget) + 1, 4)]
    """,
    "own_trainer": """
        import torch
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={"lr": 0.5}, total_steps=8, batch_size=16)

        def train(problem, choice, *, seed):
            model = problem.new_model(seed)
            loader, _ = problem.loaders(choice.batch_size, seed)
            optimizer = torch.optim.SGD(model.parameters(), lr=choice.settings["lr"])
            with problem.metered(model):
                for x, y in loader:
                    optimizer.zero_grad()
                    problem.loss(model(x), y).backward()
                    optimizer.step()
            return model
    """,
    "crashing": """
        def choose(problem, *, seed):
            raise ValueError("no suggestion | none at all")
    """,
    "not_installed": """
        import a_peer_that_nobody_has

        def choose(problem, *, seed):
            return a_peer_that_nobody_has.suggest(problem)
    """,
    "dying_trainer": """
        import os
        import signal
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={}, total_steps=8, batch_size=16)

        def train(problem, choice, *, seed):
            os.kill(os.getpid(), signal.SIGKILL)
    """,
    "crashing_trainer": """
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={}, total_steps=8, batch_size=16)

        def train(problem, choice, *, seed):
            raise ValueError("no training")
    """,
    "without_choose": "",
    "mutating": """
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed):
            problem.task.train[0].zero_()
            return Choice.of(Settings(lr=0.2, batch_size=16), total_steps=8)
    """,
    "leaving": """
        import os

        def choose(problem, *, seed):
            os._exit(0)
    """,
    "leaving_a_child": """
        import os
        import time
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed):
            if os.fork() == 0:
                time.sleep(600)
            return Choice.of(Settings(lr=0.2, batch_size=16), total_steps=8)
    """,
    "nan_settings": """
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={"lr": float("nan"), "batch_size": 16}, total_steps=8, batch_size=16)
    """,
    "half_settings": """
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={"lr": 0.1}, total_steps=8, batch_size=16)
    """,
    "nan_cost": """
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed):
            return Choice.of(Settings(lr=0.2, batch_size=16), total_steps=8, search=float("nan"))
    """,
    "large_batch": """
        from benchmarks.proof.problem import Choice
        from tunesmith.settings import Settings

        def choose(problem, *, seed):
            return Choice.of(Settings(lr=0.2, batch_size=65), total_steps=8)
    """,
    "dying": """
        import os
        import signal

        def choose(problem, *, seed):
            os.kill(os.getpid(), signal.SIGKILL)
    """,
}
README_METHOD = re.search(r"```python\n(.*?)```", (ROOT / "benchmarks" / "README.md").read_text(), re.DOTALL)[1]
ALL = ",".join(name for name in METHODS if name not in {"searcher", "without_choose", "leaving_a_child"}) + ",searcher@12,from_the_readme"


def write_inputs(folder: Path) -> None:
    (folder / "tasks").mkdir()
    (folder / "tasks" / "tiny.py").write_text(TINY)
    (folder / "methods").mkdir()
    for name, text in METHODS.items():
        (folder / "methods" / f"{name}.py").write_text(textwrap.dedent(text))
    (folder / "methods" / "from_the_readme.py").write_text(README_METHOD)


def options_of(folder: Path, *options: str) -> list[str]:
    folders = {"task-folder": "tasks", "method-folder": "methods", "cache": "cache", "out": "out"}
    given = [word for option, name in folders.items() for word in (f"--{option}", f"{folder}/{name}")]
    return [*given, "--studies", "2", "--methods", ALL, *options]


@dataclass
class Ran:
    returncode: int
    stderr: str


Document: TypeAlias = dict[str, Any]
Finished: TypeAlias = tuple[Path, Ran]


def bench(folder: Path, *options: str) -> Ran:
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main(options_of(folder, *options))
        except SystemExit as error:
            code = error.code
    return Ran(code, heard.getvalue())
