import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.rescaling import Rescaled, RescaleOutcome, rescale
from tunesmith.rescaling.step import split_of
from tunesmith.settings import Settings

PLAN = Plan(
    outcome=StudyOutcome.RECOMMENDED,
    settings=Settings(lr=0.1, momentum=0.9, weight_decay=1e-3, batch_size=64),
    optimizer_name="sgd",
    n_train=10_000,
    total_steps=4000,
    cost=StudyCost(search=1.0, confirm=1.0),
    confirmed=Trained(valid=(0.2,), test=None, seeds=(1,)),
    advice=("Use the plan.",),
)


def finding(kind: str, value: float | None, interval: tuple[float, float] | None = None, *, confidence: float = 0.7) -> Finding:
    return Finding(kind=kind, value=value, interval=interval, confidence=confidence, evidence="Seen in three runs.", not_established="Other tasks.")


def found(rescaled: Rescaled, kind: str) -> Finding:
    (one,) = [each for each in rescaled.findings if each.kind == kind]
    return one


def advised(rescaled: Rescaled, words: str) -> bool:
    return any(words in sentence for sentence in rescaled.advice)


def having(*findings: Finding, **changes: object) -> Plan:
    return dataclasses.replace(PLAN, findings=findings, **changes)  # type: ignore[arg-type]


class TestOutcome:
    @pytest.mark.parametrize(
        ("size", "outcome"),
        [
            (64, RescaleOutcome.UNCHANGED),
            (128, RescaleOutcome.CARRIED_OVER),
            (32, RescaleOutcome.CARRIED_OVER),
            (129, RescaleOutcome.RANGE_TEST_FIRST),
            (512, RescaleOutcome.RANGE_TEST_FIRST),
            (8, RescaleOutcome.RANGE_TEST_FIRST),
            (513, RescaleOutcome.TUNE_AGAIN),
            (7, RescaleOutcome.TUNE_AGAIN),
        ],
    )
    def test_it_goes_by_the_distance(self, size: int, outcome: RescaleOutcome) -> None:
        assert rescale(PLAN, size).outcome is outcome

    def test_each_names_a_command_that_can_be_typed(self) -> None:
        assert advised(rescale(PLAN, 128), "`tunesmith lr-range FILE:FUNCTION --batch-size 128 --out runs/range-128` is cheap")
        assert advised(rescale(PLAN, 256), "Repeat the range test before you train: `tunesmith lr-range FILE:FUNCTION --batch-size 256 --out runs/range-256`")
        assert advised(rescale(PLAN, 1024), "Tune again: `tunesmith tune FILE:FUNCTION --fix batch_size=1024 --out runs/batch-1024`")

    def test_it_counts_from_the_size_that_was_tuned_however_often_the_plan_is_rescaled(self) -> None:
        twice = rescale(rescale(PLAN, 128).plan, 256)
        assert twice.outcome is RescaleOutcome.RANGE_TEST_FIRST
        assert twice.changes["max_lr"].interval == pytest.approx(rescale(PLAN, 256).changes["max_lr"].interval)
        back = rescale(twice.plan, 64)
        assert back.outcome is RescaleOutcome.CARRIED_OVER
        assert back.changes["max_lr"].interval == pytest.approx((0.1, 0.1))

    def test_too_few_updates_are_no_training(self) -> None:
        short = rescale(dataclasses.replace(PLAN, total_steps=190), 128)
        assert short.outcome is RescaleOutcome.TUNE_AGAIN
        assert advised(short, "95 updates are too few to anneal: take a batch size of at most 121, or train for at least 1.28 epochs instead of 1.22.")
        assert rescale(dataclasses.replace(PLAN, total_steps=40), 32).outcome is RescaleOutcome.CARRIED_OVER

    def test_a_peak_beyond_half_of_the_edge_wants_a_range_test(self) -> None:
        plan = having(finding("edge", 0.26, (0.22, 0.3)))
        assert rescale(plan, 128).outcome is RescaleOutcome.RANGE_TEST_FIRST
        assert advised(rescale(plan, 128), "0.14, lies above 0.13, half of the edge at batch size 64")
        assert rescale(plan, 80).outcome is RescaleOutcome.CARRIED_OVER
        assert rescale(plan, 32).outcome is RescaleOutcome.CARRIED_OVER

    def test_a_lower_peak_goes_with_more_decay_where_a_total_is_kept(self) -> None:
        assert advised(rescale(PLAN, 256), "use that half, and the more weight decay in the same proportion.")
        assert advised(rescale(dataclasses.replace(PLAN, optimizer_name="adam"), 256), "use that half.")


class TestExponent:
    def test_it_is_assumed_and_said_to_be(self) -> None:
        rescaled = rescale(PLAN, 256)
        rate = found(rescaled, "max_lr")
        assert rescaled.changes["max_lr"].after == pytest.approx(0.2)
        assert rate.interval == rescaled.changes["max_lr"].interval == pytest.approx((0.1, 0.4))
        assert "assumed" in rate.evidence
        assert "not measured here" in rate.not_established
        assert not rate.is_confident

    def test_for_adam_kinds_too(self) -> None:
        assert "square-root rule" in found(rescale(dataclasses.replace(PLAN, optimizer_name="adamw"), 256), "max_lr").evidence

    @pytest.mark.parametrize("is_the_plans", [True, False])
    def test_a_measured_one_is_used(self, *, is_the_plans: bool) -> None:
        exponent = finding("lr_exponent", 0.75, (0.7, 1.0))
        rescaled = rescale(having(exponent), 1024) if is_the_plans else rescale(PLAN, 1024, measured=[exponent])
        rate = found(rescaled, "max_lr")
        assert (rate.value, rate.interval) == (pytest.approx(0.8), pytest.approx((0.1 * 16**0.7, 1.6)))
        assert "the exponent was measured: Seen in three runs." in rate.evidence
        assert found(rescale(PLAN, 128, measured=[exponent]), "max_lr").confidence == 0.7

    def test_the_plans_own_comes_first_and_travels_with_it(self) -> None:
        ours, other = finding("lr_exponent", 0.25), finding("lr_exponent", 0.75)
        once = rescale(having(ours), 256, measured=[other])
        assert once.changes["max_lr"].after == pytest.approx(0.1 * 4**0.25)
        assert ours in once.plan.findings
        assert rescale(Plan.from_dict(once.plan.to_dict()), 64).changes["max_lr"].after == pytest.approx(0.1)

    @pytest.mark.parametrize("value", [None, math.nan, math.inf, 7.0])
    def test_what_is_no_exponent_is_passed_over(self, value: float | None) -> None:
        assert "assumed" in found(rescale(having(finding("lr_exponent", value)), 128), "max_lr").evidence


class TestWeightDecay:
    def test_its_interval_goes_against_that_of_the_rate(self) -> None:
        decay = rescale(PLAN, 256).changes["weight_decay"]
        assert decay.after == pytest.approx(1e-3 * 4 / 2)
        assert decay.interval == pytest.approx((1e-3, 4e-3))

    def test_what_is_said_of_it(self) -> None:
        assert "total decay Σ lr·wd/(1-m) of the run, 1.9, stays" in found(rescale(PLAN, 256), "weight_decay").evidence
        assert "Σ lr·wd of the run" in found(rescale(dataclasses.replace(PLAN, optimizer_name="adamw"), 256), "weight_decay").evidence
        adam = found(rescale(dataclasses.replace(PLAN, optimizer_name="adam"), 256), "weight_decay")
        assert (adam.value, adam.interval) == (1e-3, None)
        none = dataclasses.replace(PLAN, settings=Settings(lr=0.1, batch_size=64))
        assert found(rescale(none, 256), "weight_decay").evidence == "None before, none after."

    def test_a_schedule_that_only_the_task_knows(self) -> None:
        ours = dataclasses.replace(PLAN, settings=Settings(lr=0.1, weight_decay=1e-3, batch_size=64, schedule="task"))
        assert rescale(ours, 256).changes["weight_decay"].after == pytest.approx(2e-3)


class TestLength:
    def test_without_a_noise_scale_it_lies_between_two_ends(self) -> None:
        longer = found(rescale(PLAN, 256), "epochs_to_same_loss")
        assert (longer.value, longer.interval) == (None, (1.0, 4.0))
        assert found(rescale(PLAN, 16), "epochs_to_same_loss").interval == (0.25, 1.0)

    def test_with_one_it_is_foretold(self) -> None:
        rescaled = rescale(having(finding("noise_scale", 64.0, (32.0, math.inf))), 256)
        longer = found(rescaled, "epochs_to_same_loss")
        assert (longer.value, longer.interval) == (2.5, (1.0, 3.0))
        assert "256 lies beyond the critical one, about 64" in longer.evidence
        assert advised(rescaled, "expect to need 2.5 times the epochs: `plan.for_steps(2500)`")
        assert advised(rescale(having(finding("noise_scale", 64.0)), 16), "may want only 0.62 times the epochs: `plan.for_steps(10000)`")

    def test_far_below_it_nothing_is_lost(self) -> None:
        rescaled = rescale(having(finding("noise_scale", 1e5)), 256)
        assert found(rescaled, "epochs_to_same_loss").interval is None
        assert not advised(rescaled, "epochs")


class TestSplit:
    def test_devices_share_the_total(self) -> None:
        rescaled = rescale(dataclasses.replace(PLAN, micro_batch_size=32), 256, devices=2)
        assert rescaled.split.to_dict() == {"devices": 2, "per_device": 128, "micro_batch_size": 32, "accumulation": 4}
        assert rescaled.plan.micro_batch_size == 32
        assert rescaled.changes["max_lr"].after == pytest.approx(0.2)
        assert advised(rescaled, "32 examples at once x accumulation 4 x 2 devices = 256")
        assert not advised(rescaled, "BatchNorm")

    def test_batchnorm_sees_the_share_of_a_device(self) -> None:
        rescaled = rescale(PLAN, 256, devices=8)
        assert rescaled.plan.micro_batch_size == 32
        assert advised(rescaled, "BatchNorm, where the network has it, takes its statistics from 32 examples instead of 64, which regularises more.")
        assert advised(rescale(PLAN, 128), "takes its statistics from 128 examples instead of 64, which regularises less.")
        assert advised(rescale(PLAN, 8, devices=8), "BatchNorm cannot train on that")

    def test_the_same_size_on_more_devices_is_no_longer_what_was_confirmed(self) -> None:
        assert rescale(PLAN, 64).plan == PLAN
        spread = rescale(PLAN, 64, devices=4)
        assert (spread.outcome, spread.plan.confirmed, spread.plan.micro_batch_size) == (RescaleOutcome.UNCHANGED, None, 16)

    @given(devices=st.integers(1, 64), per_device=st.integers(1, 1000), micro=st.none() | st.integers(1, 1000))
    def test_nothing_is_lost(self, devices: int, per_device: int, micro: int | None) -> None:
        split = split_of(devices * per_device, devices=devices, micro_batch_size=micro)
        assert split.per_device == per_device
        assert split.micro_batch_size * (split.accumulation - 1) < per_device <= split.micro_batch_size * split.accumulation


class TestWhatComesBack:
    def test_the_plan_says_that_it_was_not_tested(self) -> None:
        plan = rescale(PLAN, 128).plan
        assert (plan.confirmed, plan.outcome, plan.cost) == (None, PLAN.outcome, PLAN.cost)
        assert "This plan was rescaled and not tested." in plan.advice[-1]
        assert plan.findings[0].kind == "rescaled"
        assert Plan.from_dict(plan.to_dict()) == dataclasses.replace(plan, settings=Plan.from_dict(plan.to_dict()).settings)

    @given(size=st.integers(1, 10_000), optimizer=st.sampled_from(["sgd", "nesterov", "adam", "adamw", "custom"]))
    def test_it_is_json_whatever_the_size_and_every_value_lies_in_its_interval(self, size: int, optimizer: str) -> None:
        rescaled = rescale(dataclasses.replace(PLAN, optimizer_name=optimizer), size)
        document = json.loads(json.dumps(rescaled.to_dict(), allow_nan=False))
        assert set(document) == {"outcome", "plan", "changes", "split", "findings", "advice"}
        for change in rescaled.changes.values():
            if change.interval is not None and change.after is not None:
                assert change.interval[0] <= change.after * (1 + 1e-9)
                assert change.after <= change.interval[1] * (1 + 1e-9)

    def test_what_else_goes_by_updates_is_said(self) -> None:
        rescaled = rescale(dataclasses.replace(PLAN, ema=0.99, clip_grad_norm=1.0), 128)
        assert advised(rescaled, "`ema=0.99` averages over as many updates as before; 0.9801 averages over as many examples.")
        assert advised(rescaled, "`clip_grad_norm=1` stays, and acts less often")


class TestBadInput:
    @pytest.mark.parametrize(
        ("size", "devices", "words"),
        [
            (10_001, 1, "from 1 to the plan's 10000 training examples, got 10001"),
            (0, 1, "got 0"),
            (64, 0, "number of devices must be ≥ 1, got 0"),
            (100, 3, r"a multiple of the number of devices, got 100 for 3\. Take 99 or 102\."),
            (2, 3, r"got 2 for 3\. Take 3\."),
        ],
    )
    def test_is_one_sentence(self, size: int, devices: int, words: str) -> None:
        with pytest.raises(InputError, match=words):
            rescale(PLAN, size, devices=devices)

    def test_a_study_without_settings(self) -> None:
        nothing = dataclasses.replace(PLAN, outcome=StudyOutcome.ABSTAINED, settings=None, total_steps=0, advice=("Train longer.",))
        with pytest.raises(InputError, match=r"ended with 'abstained'\. Train longer\."):
            rescale(nothing, 32)
