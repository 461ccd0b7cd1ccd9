"""What every test shares: one thread, no window, properties that draw the same examples each time, and the way to the data sets."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is loaded: two workers on two cores
os.environ.setdefault("MPLBACKEND", "agg")

settings.register_profile("same-each-time", derandomize=True, deadline=None)  # a slow machine is not a failure
settings.load_profile("same-each-time")

DATA_VARIABLE = "TUNESMITH_DATA"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, visibly, what needs an accelerator where there is none."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if not wanting:
        return
    import torch  # noqa: PLC0415 (takes seconds, and most runs need no answer)

    if not torch.cuda.is_available():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="needs an accelerator"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the small real data sets; skips where there is none. `.ci/run` fails when it is there and a test skipped all the same."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"needs the data sets: set {DATA_VARIABLE} to their folder")
    return Path(folder)


@pytest.fixture
def curves(data_folder: Path) -> Path:
    """Folder of the runs that the method's author published, beside the data sets; skips where there is none."""
    folder = data_folder.parent / "curves"
    if not folder.is_dir():
        pytest.skip(f"needs the author's curves in the folder `curves` beside that of {DATA_VARIABLE}")
    return folder
