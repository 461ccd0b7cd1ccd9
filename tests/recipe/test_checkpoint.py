from pathlib import Path

import pytest
import torch
from torch import nn

from tunesmith.errors import StudyError
from tunesmith.recipe.checkpoint import save_weights


def test_weights_come_back_bit_for_bit_also_where_they_are_tied(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3))
    model[1].weight = model[0].weight
    save_weights(model.state_dict(), tmp_path / "deep" / "weights.pt")
    found = torch.load(tmp_path / "deep" / "weights.pt", weights_only=True)
    assert list(found) == list(model.state_dict())
    assert all(torch.equal(value, found[name]) for name, value in model.state_dict().items())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["weights.pt"]


def test_an_old_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_text("old")
    (tmp_path / "weights.pt.writing").write_text("left behind by a killed process")
    save_weights({"w": torch.ones(2)}, path)
    assert torch.equal(torch.load(path, weights_only=True)["w"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["weights.pt"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_text("old")
    (tmp_path / "weights.pt.writing").mkdir()  # in the way
    with pytest.raises(StudyError, match="Weights must be writable") as caught:
        save_weights({"w": torch.ones(2)}, path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("mine")
    with pytest.raises(StudyError, match="Free space or pass another --out"):
        save_weights({"w": torch.ones(2)}, tmp_path / "folder" / "weights.pt")
