"""The peers' rules as we state them, beside the peers' own objects on prescribed losses; skipped where a peer is not installed."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.finders.rules import RULES, Floats
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

# ruff: noqa: PLC0415 (the peers need not be installed)

N = 100


def curve(kind: str, seed: int) -> Floats:
    """Raw losses of a hundred steps: a fall, noise, and an end of one kind or another."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, N)
    fallen = 2.3 - 1.5 * np.clip((x - 0.3) / 0.4, 0, 1) + rng.normal(0, 0.1, N)
    jump = np.where(x > 0.85, np.exp(40 * (x - 0.85)), 0.0)
    return {
        "jumps": fallen + jump,
        "quiet": fallen,
        "lost": np.where(x > 0.9, np.nan, fallen),
        "infinite": np.where(x > 0.88, np.inf, fallen),
        "early": fallen + 1e4 * (x > 0.07),
        "negative": fallen - 4.0,
        "flat": np.full(N, 2.3),
    }[kind]


KINDS = ("jumps", "quiet", "lost", "infinite", "early", "negative", "flat")


class Prescribed:
    """A loss function that gives what is prescribed, whatever the network says."""

    def __init__(self, losses: Floats) -> None:
        self._losses = iter(losses.tolist())

    def __call__(self, output: Tensor, _target: Tensor) -> Tensor:
        return output.sum() * 0.0 + next(self._losses)


def loader() -> DataLoader:
    return DataLoader(TensorDataset(torch.zeros(N, 1), torch.zeros(N, 1)), batch_size=1)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def by_torch_lr_finder(losses: Floats) -> tuple[Floats, dict[str, float | None]]:
    pytest.importorskip("torch_lr_finder")
    from matplotlib.figure import Figure
    from torch_lr_finder import LRFinder

    model = nn.Linear(1, 1)
    with quiet():
        finder = LRFinder(model, torch.optim.SGD(model.parameters(), lr=1e-5), Prescribed(losses))
        finder.range_test(loader(), end_lr=10, num_iter=N)
        lrs = np.geomspace(1e-5, 10, N)
        assert np.allclose(lrs[: len(finder.history["lr"])], finder.history["lr"])
        try:
            _, found = finder.plot(ax=Figure().add_subplot(), suggest_lr=True)
        except RuntimeError:  # too few points
            found = None
    return lrs, {"torch-lr-finder": found}


def by_lightning(losses: Floats, folder: Path) -> tuple[Floats, dict[str, float | None]]:
    pytest.importorskip("lightning")
    import lightning.pytorch as pl
    from lightning.pytorch.tuner import Tuner

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.prescribed, self.lr = nn.Linear(1, 1), Prescribed(losses), 0.1

        def training_step(self, batch: list[Tensor]) -> Tensor:
            return self.prescribed(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=self.lr)

    logging.getLogger("lightning.pytorch").setLevel(logging.CRITICAL)
    with quiet():
        trainer = pl.Trainer(
            accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder
        )
        finder = Tuner(trainer).lr_find(Module(), train_dataloaders=loader(), update_attr=False)
    lrs = 1e-8 * 1e8 ** ((np.arange(N) + 1) / N)
    lrs[0] = 1e-8  # its scheduler begins so
    assert finder is not None
    assert np.allclose(lrs[: len(finder.results["lr"])], finder.results["lr"])
    return lrs, {"lightning": finder.suggestion()}


def by_fastai(losses: Floats, folder: Path) -> tuple[Floats, dict[str, float | None]]:
    pytest.importorskip("fastai")
    from fastai.callback.schedule import minimum, slide, steep, valley
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import SGD

    rules: dict[str, Callable[..., object]] = {"valley": valley, "slide": slide, "steep": steep, "minimum": minimum}
    found: dict[str, float | None] = {}
    for name, rule in rules.items():
        with quiet():
            learner = Learner(DataLoaders(loader(), loader()), nn.Linear(1, 1), loss_func=Prescribed(losses), opt_func=SGD, lr=0.1, path=folder)
            try:
                with learner.no_bar():
                    found[f"fastai {name}"] = float(learner.lr_find(show_plot=False, suggest_funcs=(rule,))[0])
            except (IndexError, ValueError, RuntimeError):  # too few points for its rule
                found[f"fastai {name}"] = None
    return 1e-7 * 1e8 ** (np.arange(N) / N), found


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["torch-lr-finder", "lightning", "fastai"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "flat"])  # of a flat curve a rule reads the rounding of its mean, to the last bit
@pytest.mark.parametrize("seed", [0, 1])
def test_our_statement_of_a_rule_suggests_what_the_peer_does(peer: str, kind: str, seed: int, tmp_path: Path) -> None:
    losses = curve(kind, seed)
    lrs, theirs = {
        "torch-lr-finder": lambda: by_torch_lr_finder(losses),
        "lightning": lambda: by_lightning(losses, tmp_path),
        "fastai": lambda: by_fastai(losses, tmp_path),
    }[peer]()
    ours = {name: RULES[name](lrs, losses) for name in theirs}
    assert ours == {name: found if found is None else pytest.approx(found, rel=1e-5) for name, found in theirs.items()}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_answers_with_a_rate_of_the_sweep_or_none(name: str, kind: str) -> None:
    lrs = np.geomspace(1e-5, 10, N)
    found = RULES[name](lrs, curve(kind, 0))
    assert found is None or 1e-6 <= found <= 10


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("n", [0, 1, 2, 6, 16])
def test_a_sweep_that_is_too_short_is_no_error(name: str, n: int) -> None:
    found = RULES[name](np.geomspace(1e-3, 1, n), np.linspace(2, 1, n))
    assert found is None or 1e-4 <= found <= 1
