"""Which runs of different lengths are one choice: the rounding of the recipe is undone, and nothing else is taken for one."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.test_ladder import arm, rung_settings

from tunesmith.experiment import Arm
from tunesmith.reading.joint_choices import joint_choices
from tunesmith.schedules import total_decay
from tunesmith.settings import RunKind, Settings

LENGTHS = (47, 117, 234, 469)
Nominal = tuple[float, float, float]


def climbed(choices: list[Nominal], lengths: tuple[int, ...] = LENGTHS, *, optimizer: str = "sgd") -> list[Arm]:
    """Every choice at every length, as the recipe rounds it."""
    return [arm(rung_settings(*choice, steps=steps, lowest=lengths[0], optimizer=optimizer), steps=steps) for steps in lengths for choice in choices]


@settings(max_examples=25)  # each makes up to 192 runs
@given(
    lr=st.floats(1e-4, 3.0), ratio=st.floats(1.5, 3.0), momenta=st.sets(st.sampled_from((0.8, 0.9, 0.95, 0.97)), min_size=1),
    decays=st.sets(st.sampled_from((0.0, 0.1, 0.3, 1.0)), min_size=1), first=st.integers(16, 40),
)  # fmt: skip
def test_each_choice_is_found_again_at_every_length(lr: float, ratio: float, momenta: set[float], decays: set[float], first: int) -> None:
    choices = [(lr / ratio**place, momentum, decay) for place in range(3) for momentum in momenta for decay in decays]
    lengths = (first, round(2.5 * first), 5 * first, 10 * first)
    found = joint_choices(climbed(choices, lengths))
    assert [tuple(sorted(runs)) for runs in found.values()] == [lengths] * len(choices)
    assert len({choice.label for choice in found}) == len(choices)


def test_the_total_decay_is_named_as_it_was_meant() -> None:
    found = joint_choices(climbed([(0.17, 0.95, 0.1), (0.067, 0.95, 0.1), (0.23, 0.9, 0.1), (0.17, 0.95, 1.0)]))
    assert [choice.decay for choice in found] == [0.1, 0.1, 0.1, 1.0]
    assert all(choice.is_total_decay for choice in found)
    assert next(iter(found)).label == "lr 0.17, momentum 0.95, total decay 0.1"


def test_adam_keeps_the_weight_decay_itself() -> None:
    found = joint_choices(climbed([(3e-3, 0.9, 1e-4), (1.2e-3, 0.9, 1e-4), (3e-3, 0.9, 0.0)], optimizer="adamw"))
    assert [(choice.decay, choice.is_total_decay, len(runs)) for choice, runs in found.items()] == [(1e-4, False, 4), (1e-4, False, 4), (0.0, False, 4)]
    assert list(found)[2].label == "lr 0.003, momentum 0.9, no decay"


@pytest.mark.parametrize("name", ["adamw", ""])
def test_momentum_does_not_count_in_the_total_decay_of_adamw(name: str) -> None:
    choices = [(3e-3, 0.9, 0.1), (3e-3, 0.95, 0.1), (1.2e-3, 0.95, 0.1), (3e-3, 0.9, 1.0)]
    arms = [arm(_adamw_settings(*choice, steps=steps), steps=steps) for steps in LENGTHS for choice in choices]
    assert [(choice.decay, choice.is_total_decay) for choice in joint_choices(arms, optimizer_name=name)] == [(decay, True) for _, _, decay in choices]


def _adamw_settings(lr: float, momentum: float, decay: float, *, steps: int) -> Settings:
    settings = Settings(lr=float(f"{lr * (47 / steps) ** 0.25:.2g}"), momentum=momentum, weight_decay=1.0)
    return dataclasses.replace(settings, weight_decay=decay / total_decay(settings, total_steps=steps, optimizer_name="adamw"))


@pytest.mark.parametrize("kept", ["lr", "weight_decay times length"])
def test_what_the_user_fixed_makes_no_new_choice(kept: str) -> None:
    arms = []
    for steps in LENGTHS:
        chosen = rung_settings(0.1, 0.9, 0.1, steps=steps, lowest=47)
        fixed = (
            dataclasses.replace(chosen, lr=0.1, weight_decay=chosen.weight_decay * chosen.lr / 0.1)
            if kept == "lr"
            else dataclasses.replace(chosen, weight_decay=3e-4 * 1000 / steps)
        )
        arms.append(arm(fixed, steps=steps))
    assert len(joint_choices(arms)) == 1


def test_seeds_are_one_choice_and_conditions_are_not() -> None:
    chosen = rung_settings(0.1, 0.9, 0.1, steps=47, lowest=47)
    arms = [arm(chosen, steps=47), arm(chosen, steps=47, seed=1), arm(chosen, steps=47, condition="no dropout")]
    found = joint_choices(arms)
    assert [(choice.condition, {steps: len(mine) for steps, mine in runs.items()}) for choice, runs in found.items()] == [
        ("", {47: 2}),
        ("no dropout", {47: 1}),
    ]


def test_a_choice_that_began_higher_up_is_carried_down() -> None:
    found = joint_choices(
        [arm(rung_settings(0.1, 0.9, 0.0, steps=40, lowest=40), steps=40), arm(rung_settings(0.3, 0.9, 0.0, steps=640, lowest=40), steps=640)]
    )
    assert [choice.lr for choice in found] == [0.1, 0.3]


def test_sweeps_are_no_choices() -> None:
    one = arm(rung_settings(0.1, 0.9, 0.0, steps=40, lowest=40), steps=40)
    sweep = dataclasses.replace(one, run=dataclasses.replace(one.run, spec=dataclasses.replace(one.run.spec, kind=RunKind.LINEAR_RAMP)))
    assert joint_choices([sweep]) == {}
