"""What the ladder and its confirming do beside climbing: slow starters, gentler choices, conditions, current settings after a quarter, answers."""

import dataclasses
from pathlib import Path

import pytest
import torch
from tests.recipe.test_ladder import ladder, wide, wrong_labels
from tests.recipe.tiny import INPUTS, KNOBS, blobs, make_task, mlp, tuned
from torch import Tensor, nn

from tunesmith.errors import StudyError, TaskError
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.report.evidence import read_evidence
from tunesmith.report.story import weights_sentence
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.task import Task


def by_heart(*, current: Settings | None = None) -> Task:
    """Learnt by heart long before its end, 40 % of it wrong."""
    return make_task(model=wide, train=wrong_labels(160, 0, share=0.4), valid=blobs(256, 1), epochs=240, current=current)


class TestCurrent:
    def test_a_quarter_is_enough_where_it_is_clearly_behind(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, make_task(epochs=60, current=Settings(lr=1e-5, batch_size=16)))
        (baseline,) = (stored.run for stored in done.stored() if stored.purpose == "baseline")
        assert baseline.spec.total_steps == 300
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert done.plan.current is None
        (against,) = (finding for finding in done.plan.findings if finding.kind == "against_current")
        assert "after 300 of 1200 updates" in against.evidence
        assert "--confirm-seeds 2" in against.not_established

    @pytest.mark.parametrize("options", [{"confirm_seeds": 2}, {"budget": 1.5}])
    def test_who_pays_for_it_gets_them_in_full(self, tmp_path: Path, options: dict[str, float]) -> None:
        done = ladder(tmp_path, make_task(epochs=60, current=Settings(lr=1e-5, batch_size=16)), **options)
        (baseline,) = (stored.run for stored in done.stored() if stored.purpose == "baseline")
        assert baseline.spec.total_steps == 1200
        assert done.plan.current is not None

    def test_where_the_quarter_does_not_decide_they_are_trained_in_full(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, make_task(epochs=60, current=Settings(lr=0.02, momentum=0.9, batch_size=16)))
        assert [stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "baseline"] == [300, 1200]
        assert done.plan.current is not None

    def test_a_maker_is_never_cut(self, tmp_path: Path) -> None:
        def current(model: nn.Module) -> tuple[torch.optim.Optimizer, None]:
            return torch.optim.SGD(model.parameters(), lr=1e-6), None

        done = ladder(tmp_path, make_task(epochs=60, current=current))
        assert [stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "baseline"] == [done.task.steps_at(64)]


class Muddled(nn.Module):
    """The network, its inputs under so much noise that little is left of them."""

    def __init__(self, noise: float) -> None:
        super().__init__()
        self.noise = noise
        self.layers = mlp()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs + self.noise * torch.randn_like(inputs)) if self.training else self.layers(inputs)


class TestConditions:
    def test_a_better_network_is_told_and_a_worse_one_is_not_advised(self, tmp_path: Path) -> None:
        task = dataclasses.replace(make_task(model=lambda: Muddled(4.0), epochs=60), conditions={"clear": mlp, "worse": lambda: Muddled(9.0)})
        done = ladder(tmp_path, task, budget=2, fixed={"batch_size": 32})
        found = {finding.evidence.split("'")[1]: finding for finding in done.plan.findings if finding.kind == "condition"}
        assert set(found) == {"clear", "worse"}
        assert (found["clear"].value or 0) > 0 > (found["worse"].value or 0)
        assert [sentence for sentence in done.plan.advice if "'clear'" in sentence]
        assert not [sentence for sentence in done.plan.advice if "'worse'" in sentence]
        under = [stored.run.spec for stored in done.stored() if stored.run.spec.condition]
        assert {spec.condition for spec in under} == {"clear", "worse"}
        own = {stored.run.spec for stored in done.stored() if not stored.run.spec.condition}
        assert dataclasses.replace(next(spec for spec in under if spec.condition == "worse"), condition="") in own  # paired, all else equal
        assert done.plan.cost.search <= 2

    def test_what_the_budget_does_not_reach_is_named(self, tmp_path: Path) -> None:
        conditions = {f"c{i}": mlp for i in range(40)}
        done = ladder(tmp_path, dataclasses.replace(make_task(epochs=60), conditions=conditions))
        found = [finding for finding in done.plan.findings if finding.kind == "condition"]
        assert len(found) == 40
        assert any("was not tried" in finding.evidence for finding in found)
        assert done.plan.cost.search <= 1

    def test_a_name_goes_on_meaning_the_same_network(self, tmp_path: Path) -> None:
        task = dataclasses.replace(make_task(epochs=60), conditions={"other": wide})
        ladder(tmp_path, task)
        with pytest.raises(StudyError, match="holds runs of another 'other'"):
            ladder(tmp_path, dataclasses.replace(task, conditions={"other": lambda: nn.Linear(INPUTS, 4)}))

    def test_recipe_report_says_that_it_weighs_none(self, tmp_path: Path) -> None:
        done = tuned(dataclasses.replace(make_task(), conditions={"wide": wide}), tmp_path, recipe="report", fixed=KNOBS)
        assert any("Task.conditions are weighed by recipe ladder alone" in message for message in done.heard.messages)


class TestAnswers:
    def test_a_plan_that_overfits_at_a_fixed_length_gets_more_decay(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, by_heart(), fixed={"epochs": 240.0, "lr": 0.05, "momentum": 0.9})
        decays = [stored.run.spec.settings.weight_decay for stored in done.stored() if stored.purpose == "confirm"]
        assert len(decays) >= 2
        assert decays[1] >= 4 * decays[0]
        assert any("its length is fixed: trying weight decay" in verdict for verdict in done.heard.verdicts)
        assert {stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "confirm"} == {done.plan.total_steps}

    def test_where_everything_is_fixed_overfitting_is_only_told(self, tmp_path: Path) -> None:
        done = tuned(by_heart(), tmp_path, fixed={"epochs": 240.0, "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0, "batch_size": 16})
        assert len([stored for stored in done.stored() if stored.purpose == "confirm"]) == 1
        assert done.plan.cost.search == pytest.approx(0, abs=0.03)  # the check and the time model


class TestInterval:
    def test_it_holds_the_confirmed_value_and_comes_back_from_the_file(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, fixed=KNOBS | {"epochs": 20})
        confirmed = done.plan.confirmed
        assert confirmed is not None
        assert confirmed.interval is not None
        low, high = confirmed.interval
        assert low < confirmed.valid[0] < high
        again = Plan.load(done.folder / "plan.toml").confirmed
        assert again is not None
        assert again.interval == confirmed.interval
        with Study.open(done.folder) as study:
            assert study.plan is not None
            assert study.plan.confirmed == confirmed

    def test_where_the_trained_networks_lie_is_told(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, fixed=KNOBS | {"epochs": 20})
        with Study.open(done.folder) as study:
            said = weights_sentence(read_evidence(study))
        (path,) = (word.rstrip(".") for word in said.split() if word.startswith("checkpoints/"))
        assert (done.folder / path).is_file()
        assert "selected" not in said

    def test_more_seeds_narrow_it(self, tmp_path: Path) -> None:
        one, six = (tuned(make_task(), tmp_path / str(n), fixed=KNOBS | {"epochs": 20}, confirm_seeds=n).plan.confirmed for n in (1, 6))
        assert one is not None
        assert six is not None
        widths = [high - low for low, high in (one.interval or (0, 0), six.interval or (0, 0))]
        assert 0 < widths[1] < 2 * widths[0]


class TestPlan:
    @pytest.mark.parametrize(("options", "optimizer"), [({}, "sgd"), ({"budget": 0.3}, "nesterov"), ({"budget": 3}, "sgd"), ({}, "adamw"), ({}, "adam")])
    def test_values_lie_in_their_intervals_and_are_rounded(self, tmp_path: Path, options: dict[str, float], optimizer: str) -> None:
        plan = ladder(tmp_path, make_task(epochs=60, optimizer=optimizer), **options).plan
        assert plan.weight_decay == float(f"{plan.weight_decay:.2g}")
        for finding in plan.findings:
            if finding.value is not None and finding.interval is not None:
                assert finding.interval[0] <= finding.value <= finding.interval[1], finding

    def test_what_decay_does_is_told_where_two_were_tried(self, tmp_path: Path) -> None:
        plan = ladder(tmp_path).plan
        (decay,) = (finding for finding in plan.findings if finding.kind == "weight_decay")
        assert decay.interval is not None or "Confirming changed it" in decay.evidence


class TestSlowStart:
    def test_a_network_that_shows_nothing_at_first_is_run_longer(self, tmp_path: Path) -> None:
        """Its output is scaled down so far that the first updates hardly move the loss."""

        class Faint(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = nn.Sequential(nn.Linear(INPUTS, 16), nn.Tanh(), nn.Linear(16, 4))
                for parameter in self.parameters():
                    parameter.data *= 1e-2

            def forward(self, inputs: Tensor) -> Tensor:
                return self.layers(inputs)

        done = ladder(tmp_path, make_task(model=Faint, epochs=60), bounds={"lr": (1e-4, 0.004)})
        lengths = {stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "search"}
        assert done.heard.stages.count("ladder") >= 2
        assert max(lengths) == done.task.steps_at(32) / 8
        assert done.plan.cost.search <= 1


def test_a_condition_that_does_not_fit_the_data_is_one_sentence(tmp_path: Path) -> None:
    task = dataclasses.replace(make_task(epochs=60), conditions={"wrong": lambda: nn.Linear(INPUTS + 1, 4)})
    with pytest.raises(TaskError, match="mat1 and mat2"):
        ladder(tmp_path, task)
    assert not (tmp_path / "study").exists()
