import subprocess
import sys
from pathlib import Path

import tunesmith.schedules

SOURCE = Path(__file__).parents[2] / "src"


def test_all_names_are_there_and_sorted() -> None:
    assert tunesmith.schedules.__all__ == sorted(set(tunesmith.schedules.__all__), key=lambda name: (not name.isupper(), name.islower(), name))
    assert set(tunesmith.schedules.SCHEDULES) <= set(tunesmith.schedules.__all__)
    assert all(hasattr(tunesmith.schedules, name) for name in tunesmith.schedules.__all__)


def test_the_schedules_need_neither_torch_nor_numpy() -> None:
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import tunesmith.schedules; print({{'torch', 'numpy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
