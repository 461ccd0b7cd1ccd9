"""The page for users of other finders: our lines run, theirs compile, and every test that its tables name is there."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import tunesmith as ts

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "coming-from.md").read_text()
BLOCK = re.compile(r"^```(?P<language>python|diff)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## (?P<title>.*?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
THREAD = re.compile(r"`[\w.-]+/[\w.-]+#\d+`")


def side(diff: str, sign: str) -> str:
    """The lines of one side of a diff, with those that both have."""
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in {sign, " "})


def blocks(title: str) -> dict[str, str]:
    """The code of a section by language; of several blocks of one language the first."""
    text = next(found["text"] for found in SECTION.finditer(PAGE) if found["title"] == title)
    return {found["language"]: found["text"] for found in reversed(list(BLOCK.finditer(text)))}


def objects() -> dict[str, Any]:
    """The names of the block that all sections start from."""
    names: dict[str, Any] = {}
    first = BLOCK.search(PAGE)
    assert first is not None
    torch.manual_seed(0)
    exec(first["text"], names)  # noqa: S102 (our own page)
    return names


def run_ours(title: str, names: dict[str, Any]) -> ts.LrRangeTest:
    exec(side(blocks(title)["diff"], "+"), names)  # noqa: S102 (our own page)
    result = names["result"]
    assert isinstance(result, ts.LrRangeTest)
    assert result.outcome in {"found", "never_diverged"}
    assert result.history.valid_loss
    return result


class Module(nn.Module):
    """What a LightningModule is to a range test."""

    def __init__(self) -> None:
        super().__init__()
        self.lr, self.net = 0.01, nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def training_step(self, batch: tuple[Tensor, Tensor], _batch_idx: int) -> Tensor:
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)


def test_from_torch_lr_finder() -> None:
    names = objects()
    result = run_ours("From torch-lr-finder", names)
    assert names["optimizer"].param_groups[0]["lr"] == result.suggestion()
    assert type(names["ax"]).__name__ == "Axes"


def test_from_fastai() -> None:
    names, fitted = objects(), list[tuple[int, float]]()
    data = SimpleNamespace(train=names["train_loader"], valid=names["valid_loader"])
    learn = SimpleNamespace(model=names["model"], loss_func=F.cross_entropy, dls=data, fit_one_cycle=lambda n, lr_max: fitted.append((n, lr_max)))
    result = run_ours("From fastai", names | {"learn": learn})
    assert fitted == [(2, result.suggestion())]


def test_from_lightning() -> None:
    names, module, fitted = objects(), Module(), list[tuple[nn.Module, DataLoader]]()
    trainer = SimpleNamespace(fit=lambda *given: fitted.append(given))
    result = run_ours("From Lightning", names | {"module": module, "trainer": trainer})
    assert module.lr == result.suggestion()
    assert fitted == [(module, names["train_loader"])]


def test_the_schedules() -> None:
    names = objects()
    result = run_ours("From torch-lr-finder", names)
    exec(side(blocks("Schedules")["diff"], "+"), names)  # noqa: S102 (our own page)
    optimizer, rates = names["optimizer"], list[float]()
    for _ in range(1000):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        names["scheduler"].step()
    assert max(rates) == pytest.approx(result.suggestion())
    plain = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=result.suggestion())
    exec(blocks("Schedules")["python"], names | {"optimizer": plain})  # noqa: S102 (our own page)
    assert plain.param_groups[0]["lr"] == pytest.approx(rates[0])


def test_both_sides_compile() -> None:
    found = [block["text"] for block in BLOCK.finditer(PAGE) if block["language"] == "diff"]
    assert len(found) == 4
    for text in found:
        for sign in "+-":
            compile(side(text, sign), "coming-from.md", "exec")


def names_in(path: Path) -> set[str]:
    """Names of the tests of a file, those of classes as Class::test."""
    names = set[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef) and part.name.startswith("test_")}
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            names.add(node.name)
    return names


def rows() -> list[list[str]]:
    """The cells of the two tables of complaints."""
    text = next(found["text"] for found in SECTION.finditer(PAGE) if found["title"] == "What users complained about")
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| complaint", "| defect"))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_complaint_names_its_threads_and_its_tests() -> None:
    assert len(rows()) >= 28
    for row in rows():
        assert len(row) == 3, row
        assert THREAD.search(row[0]) or re.search(r"\((torch-lr-finder|lightning) [\d.]+\)", row[0]), row[0]
        assert NAMED.search(row[2]), row[0]
        assert NAMED.sub("", row[2]).replace("<br>", "") == "", row[2]


@pytest.mark.parametrize("path", sorted({path for row in rows() for path, _ in NAMED.findall(row[2])}))
def test_the_tests_that_are_named_are_there(path: str) -> None:
    named = {name for row in rows() for where, name in NAMED.findall(row[2]) if where == path}
    assert named <= names_in(ROOT / path)
