import pytest
import torch
from torch import nn

from tunesmith.errors import InputError
from tunesmith.optimizers import OPTIMIZER_NAMES, ParamGroups, default_param_groups, make_optimizer, set_knobs
from tunesmith.settings import Settings

SETTINGS = Settings(lr=0.2, momentum=0.9, weight_decay=0.01)


def groups_of_two(model: nn.Module) -> ParamGroups:
    weight, bias = model.parameters()
    return [{"params": [weight], "lr_scale": 0.1, "weight_decay_scale": 2.0}, {"params": [bias]}]


class TestDefaultGroups:
    def test_biases_and_norms_do_not_decay(self) -> None:
        model = nn.Sequential(nn.Embedding(5, 4), nn.Conv1d(4, 4, 1), nn.BatchNorm1d(4), nn.GroupNorm(2, 4), nn.RMSNorm(4), nn.Linear(4, 2, bias=False))
        decaying, others = default_param_groups(model)
        assert decaying["params"] == [model[0].weight, model[1].weight, model[5].weight]
        assert len(others["params"]) == 1 + 2 + 2 + 1  # type: ignore[arg-type]
        assert (decaying["weight_decay_scale"], others["weight_decay_scale"]) == (1.0, 0.0)

    def test_a_norm_over_two_dimensions_is_still_a_norm(self) -> None:
        assert [group["weight_decay_scale"] for group in default_param_groups(nn.LayerNorm((2, 3)))] == [0.0]

    def test_frozen_parameters_are_left_out(self) -> None:
        model = nn.Linear(2, 3)
        model.weight.requires_grad_(requires_grad=False)
        assert [group["params"] for group in default_param_groups(model)] == [[model.bias]]

    def test_tied_weights_come_once(self) -> None:
        model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
        model[1].weight = model[0].weight
        assert [len(group["params"]) for group in default_param_groups(model)] == [1]  # type: ignore[arg-type]


class TestMaking:
    @pytest.mark.parametrize("name", OPTIMIZER_NAMES)
    def test_groups_get_their_shares(self, name: str) -> None:
        slow, usual = make_optimizer(name, groups_of_two(nn.Linear(2, 3)), SETTINGS).param_groups
        assert (slow["lr"], usual["lr"]) == pytest.approx((0.02, 0.2))
        assert (slow["weight_decay"], usual["weight_decay"]) == pytest.approx((0.02, 0.01))

    def test_each_name_is_torchs_own(self) -> None:
        made = {name: make_optimizer(name, groups_of_two(nn.Linear(2, 3)), SETTINGS) for name in OPTIMIZER_NAMES}
        assert [type(optimizer) for optimizer in made.values()] == [torch.optim.SGD, torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW]
        assert [made["sgd"].defaults["nesterov"], made["nesterov"].defaults["nesterov"]] == [False, True]
        assert made["adam"].defaults["betas"] == made["adamw"].defaults["betas"] == (0.9, 0.999)

    def test_nesterov_without_momentum_is_plain(self) -> None:
        assert not make_optimizer("nesterov", groups_of_two(nn.Linear(2, 3)), Settings(momentum=0.0)).defaults["nesterov"]

    def test_a_maker_gets_groups_and_settings(self) -> None:
        def maker(groups: ParamGroups, settings: Settings) -> torch.optim.Optimizer:
            return torch.optim.RMSprop([{"params": group["params"], "lr": group["lr"]} for group in groups], momentum=settings.momentum)

        optimizer = make_optimizer(maker, groups_of_two(nn.Linear(2, 3)), SETTINGS)
        assert [group["lr_scale"] for group in optimizer.param_groups] == pytest.approx([0.1, 1.0])  # worked out where the maker dropped it

    def test_a_name_that_nobody_knows(self) -> None:
        with pytest.raises(InputError, match="must be one of sgd, nesterov, adam, adamw or a function"):
            make_optimizer("lion", groups_of_two(nn.Linear(2, 3)), SETTINGS)

    def test_the_groups_given_stay_as_they_were(self) -> None:
        groups = groups_of_two(nn.Linear(2, 3))
        make_optimizer("sgd", groups, SETTINGS)
        assert [set(group) for group in groups] == [{"params", "lr_scale", "weight_decay_scale"}, {"params"}]


class TestKnobs:
    @pytest.mark.parametrize("name", OPTIMIZER_NAMES)
    def test_they_move_all_groups(self, name: str) -> None:
        optimizer = make_optimizer(name, groups_of_two(nn.Linear(2, 3)), SETTINGS)
        set_knobs(optimizer, lr=0.4, momentum=0.8)
        for group in optimizer.param_groups:
            assert group["lr"] == 0.4 * group["lr_scale"]
            assert group.get("momentum", group.get("betas", (0,))[0]) == 0.8
            assert group.get("betas", (0, 0.999))[1] == 0.999

    def test_an_optimizer_without_momentum(self) -> None:
        optimizer = make_optimizer(lambda groups, _settings: torch.optim.Adagrad(groups), groups_of_two(nn.Linear(2, 3)), SETTINGS)
        set_knobs(optimizer, lr=0.4, momentum=0.8)
        assert optimizer.param_groups[1]["lr"] == 0.4
