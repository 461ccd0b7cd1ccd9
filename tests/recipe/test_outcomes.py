"""How a study ends: beside current settings, and where nothing can be recommended."""

from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import INPUTS, KNOBS, Tuned, make_task, mlp, tuned
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from tunesmith.errors import InputError
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.settings import Settings


class TestAgainstCurrent:
    def test_without_current_settings_there_is_no_baseline(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, fixed=KNOBS | {"batch_size": 16})
        assert (done.plan.current, done.plan.cost.baseline) == (None, 0.0)
        assert "current" not in done.heard.stages

    def test_better_current_settings_are_kept(self, tmp_path: Path) -> None:
        good = Settings(lr=0.02, batch_size=16)
        done = tuned(make_task(current=good), tmp_path, fixed={"lr": 1.0, "momentum": 0.99, "batch_size": 16, "weight_decay": 0.1})
        assert done.plan.outcome is StudyOutcome.KEEP_CURRENT
        assert done.plan.settings == good
        assert done.plan.total_steps == 400
        assert done.plan.advice[0].startswith("Keep what you train with today")
        assert Plan.load(done.folder / "plan.toml").max_lr == 0.02

    def test_better_current_settings_from_a_maker_are_kept_without_a_plan(self, tmp_path: Path) -> None:
        def current(model: nn.Module) -> tuple[torch.optim.Optimizer, LRScheduler | None]:
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
            return optimizer, CosineAnnealingLR(optimizer, 100)

        done = tuned(make_task(current=current), tmp_path, fixed={"lr": 1.0, "momentum": 0.99, "batch_size": 16, "weight_decay": 0.1})
        assert done.plan.outcome is StudyOutcome.KEEP_CURRENT
        assert (done.plan.settings, done.plan.total_steps) == (None, 0)
        assert done.plan.current is not None
        assert Plan.load(done.folder / "plan.toml").outcome is StudyOutcome.KEEP_CURRENT

    def test_equal_settings_make_no_difference(self, tmp_path: Path) -> None:
        same = Settings(lr=0.05, momentum=0.9, weight_decay=1e-3, batch_size=16)
        done = tuned(make_task(current=same), tmp_path, fixed={"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3, "batch_size": 16, "epochs": 20})
        assert done.plan.outcome is StudyOutcome.NO_DIFFERENCE
        assert done.plan.current is not None
        assert done.plan.confirmed is not None
        assert done.plan.current.valid == done.plan.confirmed.valid

    def test_current_settings_that_diverge_lose(self, tmp_path: Path) -> None:
        done = tuned(make_task(current=Settings(lr=1e6, batch_size=16)), tmp_path, fixed=KNOBS | {"batch_size": 16})
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert done.plan.advice[0] == "Use the plan."

    def test_a_plan_that_diverges_loses_to_current_settings(self, tmp_path: Path) -> None:
        done = tuned(
            make_task(current=Settings(lr=0.02, batch_size=16)), tmp_path, fixed={"lr": 100.0, "momentum": 0.99, "batch_size": 16, "weight_decay": 0.1}
        )
        assert done.plan.outcome is StudyOutcome.KEEP_CURRENT
        assert Plan.load(done.folder / "plan.toml").max_lr == 0.02

    def test_where_both_diverge_nothing_is_recommended(self, tmp_path: Path) -> None:
        bad = {"lr": 100.0, "momentum": 0.99, "batch_size": 16, "weight_decay": 0.1}
        done = tuned(make_task(current=Settings(lr=1e6, batch_size=16)), tmp_path, fixed=bad)
        assert done.plan.outcome is StudyOutcome.ABSTAINED
        assert done.plan.settings is None


class Constant(nn.Module):
    """A network that says the same whatever its weights are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(INPUTS, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return 0 * self.layer(inputs)


class TestAbstaining:
    def assert_abstains(self, done: Tuned, words: str) -> None:
        assert done.plan.outcome is StudyOutcome.ABSTAINED
        assert (done.plan.settings, done.plan.total_steps) == (None, 0)
        assert words in " ".join(done.plan.advice)
        assert done.plan.cost.search <= 1
        again = Plan.load(done.folder / "plan.toml")
        assert again.outcome is StudyOutcome.ABSTAINED
        with pytest.raises(InputError, match="abstained"):
            again.optimizer(mlp())
        assert (done.folder / "report.html").exists()

    def test_a_loss_that_never_falls(self, tmp_path: Path) -> None:
        done = tuned(make_task(model=Constant), tmp_path)
        self.assert_abstains(done, "did not fall")
        assert "confirm" not in done.heard.stages

    def test_a_learning_rate_at_which_everything_diverges(self, tmp_path: Path) -> None:
        """Every rate, that is: the loss is so steep that the smallest one throws the weights away."""
        done = tuned(make_task(loss=lambda output, target: (40 * F.cross_entropy(output, target)).exp()), tmp_path)
        self.assert_abstains(done, "jumped before it had fallen")

    def test_too_few_updates(self, tmp_path: Path) -> None:
        done = tuned(make_task(epochs=2), tmp_path)
        self.assert_abstains(done, "at least 100 updates")
        assert done.heard.costs == []

    def test_labels_that_nothing_can_be_learnt_from(self, tmp_path: Path) -> None:
        """The training loss falls, the validation loss does not; where noise makes it fall a little, what is recommended is said to learn little."""
        random = torch.Generator().manual_seed(5)
        train, valid = ((torch.randn(n, INPUTS, generator=random), torch.randint(4, (n,), generator=random)) for n in (64, 128))
        for epochs in (95, 105):
            done = tuned(make_task(train=train, valid=valid, epochs=epochs), tmp_path / str(epochs))
            said = "noise is larger than the drop" if done.plan.outcome is StudyOutcome.ABSTAINED else "It learns little"
            assert said in " ".join(done.plan.advice)

    def test_a_plan_that_diverges_with_nothing_beside_it(self, tmp_path: Path) -> None:
        bad = {"lr": 100.0, "momentum": 0.99, "batch_size": 16, "weight_decay": 0.1}
        self.assert_abstains(tuned(make_task(), tmp_path, fixed=bad), "did not train the network")
