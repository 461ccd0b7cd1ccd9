"""Studies to report on, each written once a session: tests only read them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the fakes lie beside the tests, and importlib mode knows no packages

import fake_study
import strange_study

from tunesmith.study import Study


@pytest.fixture(scope="session")
def recommended(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that ends with a plan better than the current settings."""
    return fake_study.recommended(tmp_path_factory.mktemp("studies") / "recommended")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study in which every string is hostile."""
    return strange_study.hostile(tmp_path_factory.mktemp("studies") / "hostile")


@pytest.fixture(scope="session", params=["recommended", "abstained", "budget_spent", "unfinished", "empty", "hostile", "odd"])
def any_study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Each of the fakes."""
    maker = getattr(fake_study, request.param, None) or getattr(strange_study, request.param)
    return maker(tmp_path_factory.mktemp("studies") / request.param)
