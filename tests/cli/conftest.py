from pathlib import Path

import pytest
from tests.cli.harness import Ended, Typed, make_plan, make_study

from tunesmith.cli import main
from tunesmith.cli.backend import Backend


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Typed:
    """`run("show", folder, backend=…)` types a command in this process."""

    def run(*words: object, backend: Backend | None = None) -> Ended:
        code = main([str(word) for word in words], backend=backend)
        captured = capsys.readouterr()
        return Ended(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A finished study."""
    return make_study(tmp_path / "study", plan=make_plan())


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A study without a plan."""
    return make_study(tmp_path / "unfinished", plan=None)
