import pytest
from tests.recipe.tiny import Tuned, accuracy, blobs, make_task, time_model, tuned

from tunesmith.settings import Settings
from tunesmith.task import Metric


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """One study for all who only look: with a test set, a metric, current settings, and several batch sizes to choose from. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("session")
    task = make_task(
        epochs=60,
        test=blobs(64, 3),
        metrics={"accuracy": Metric(accuracy, higher_is_better=True)},
        current=Settings(lr=1e-4, schedule="constant", batch_size=32),
    )
    return tuned(task, folder, time_model=time_model(folder))
