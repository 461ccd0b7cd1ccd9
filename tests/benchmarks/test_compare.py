from pathlib import Path

import pytest
from benchmarks.proof.cache import Rows
from benchmarks.proof.compare import main


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """One row in both, but for its seconds; one in the first alone."""
    for name, seconds in (("first", 1.0), ("second", 2.0)):
        Rows(tmp_path / name / "wine" / "trainings.jsonl").put({"seed": 1}, {"loss": 0.5, "seconds": seconds})
    Rows(tmp_path / "first" / "wine" / "studies.jsonl").put({"study": 0}, {"search": 1.0})
    return tmp_path / "first", tmp_path / "second"


def test_seconds_do_not_count(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder) for folder in folders]) == 0
    assert capsys.readouterr().out == "1 rows equal, 0 different, 1 of the first missing in the second\n"


def test_a_row_that_came_out_otherwise_is_named(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = folders
    Rows(first / "digits" / "reference.jsonl").put({"index": 0}, {"loss": 0.5, "cost": 1})
    Rows(second / "digits" / "reference.jsonl").put({"index": 0}, {"loss": 0.6, "cost": 1})
    assert main([str(first), str(second)]) == 1
    assert 'digits/reference.jsonl: loss of {"index": 0}' in capsys.readouterr().out
