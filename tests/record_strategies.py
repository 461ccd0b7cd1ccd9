"""Hypothesis strategies for the records, whatever values their documentation allows."""

from typing import Any

from hypothesis import strategies as st

from tunesmith.cost import Cost
from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment, SizeTimes
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.schedules import SCHEDULES
from tunesmith.settings import USUAL_CYCLES, RunKind, RunSpec, Settings

ANY_FLOAT = st.floats() | st.sampled_from([float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308])
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.floats(0, 1e6)
NAMES = st.text(min_size=1, max_size=12)
SENTENCES = st.text(max_size=40)
LENGTHS = st.integers(1, 10**9)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    lr = draw(st.floats(1e-12, 1e6))
    momentum = draw(st.floats(0, 1, exclude_max=True))
    schedule = draw(st.sampled_from([*SCHEDULES, "task"]))
    return Settings(
        lr=lr,
        min_lr=draw(st.none() | st.floats(0, lr)),
        momentum=momentum,
        min_momentum=draw(st.none() | st.floats(0, momentum)),
        weight_decay=draw(st.floats(0, 10)),
        batch_size=draw(LENGTHS),
        schedule=schedule,
        epochs=draw(st.none() | st.floats(1e-3, 1e6)),
        cycles=draw(st.none() | LENGTHS) if schedule in USUAL_CYCLES else None,
    )


@st.composite
def run_specs(draw: st.DrawFn) -> RunSpec:
    gradients = st.fixed_dictionaries({
        "gradient_points": st.integers(1, 1000), "gradient_micro_batches": st.integers(2, 1000), "gradient_micro_batch_size": LENGTHS
    })  # fmt: skip
    return RunSpec(**draw(st.just({}) | gradients), **draw(_other_fields()))


def _other_fields() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({
        "settings": settings(),
        "total_steps": LENGTHS,
        "seed": st.integers(0, 2**64),
        "kind": st.sampled_from(RunKind),
        "evaluations": st.integers(0, 1000),
        "valid_examples": st.none() | LENGTHS,
        "reestimates_norm": st.booleans(),
        "stops_when_diverged": st.booleans(),
        "evaluates_test": st.booleans(),
        "keeps_weights": st.booleans(),
        "condition": st.text(max_size=8),
    })  # fmt: skip


def gradient_samples() -> st.SearchStrategy[GradientSample]:
    return st.builds(
        GradientSample,
        step=st.integers(0, 10**9), micro_batch_size=LENGTHS, n_micro_batches=st.integers(2, 10**6), mean_square=ANY_FLOAT, square_of_mean=ANY_FLOAT,
    )  # fmt: skip


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    def columns(length: int) -> st.SearchStrategy[tuple[float, ...]]:
        return st.lists(ANY_FLOAT, min_size=length, max_size=length).map(tuple)

    updates, evaluations = draw(st.integers(0, 8)), draw(st.integers(0, 4))
    return Curve(
        lr=draw(columns(updates)),
        momentum=draw(columns(updates)),
        train_loss=draw(columns(updates)),
        eval_step=tuple(sorted(draw(st.lists(st.integers(0, 10**9), min_size=evaluations, max_size=evaluations)))),
        valid_loss=draw(columns(evaluations)),
        metrics=draw(st.dictionaries(NAMES, columns(evaluations), max_size=3)),
        test=draw(st.dictionaries(NAMES, ANY_FLOAT, max_size=3)),
        outcome=draw(st.sampled_from(RunOutcome)),
        cost=draw(costs()),
        gradients=tuple(draw(st.lists(gradient_samples(), max_size=3))),
    )


def costs() -> st.SearchStrategy[Cost]:
    return st.builds(Cost, trained_examples=st.integers(0, 10**15), evaluated_examples=st.integers(0, 10**15), seconds=st.floats(0, 1e9))


def runs() -> st.SearchStrategy[Run]:
    return st.builds(Run, spec=run_specs(), curve=curves())


def findings() -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding,
        kind=NAMES,
        since_step=st.none() | st.integers(0, 10**9),
        value=st.none() | FINITE,
        interval=st.none() | st.tuples(FINITE, FINITE).map(sorted).map(tuple),
        confidence=st.floats(0, 1),
        evidence=SENTENCES,
        not_established=SENTENCES,
        action=SENTENCES,
    )


def experiments() -> st.SearchStrategy[Experiment]:
    arms = st.lists(st.builds(Arm, label=SENTENCES, value=st.none() | FINITE, run=runs()), max_size=3, unique_by=lambda arm: arm.run.spec.key)
    return st.builds(
        Experiment,
        probe=NAMES, arms=arms.map(tuple), findings=st.lists(findings(), max_size=3).map(tuple), verdict=SENTENCES, times=st.none() | size_times(),
    )  # fmt: skip


def size_times() -> st.SearchStrategy[SizeTimes]:
    seconds = st.dictionaries(LENGTHS, st.floats(1e-9, 1e9), max_size=4)
    contenders = st.lists(LENGTHS, max_size=4).map(tuple)
    return st.builds(SizeTimes, seconds_per_step=seconds, loading_seconds=seconds, contenders=contenders, n_train=LENGTHS)


@st.composite
def trained(draw: st.DrawFn) -> Trained:
    seeds = draw(st.lists(st.integers(0, 2**63 - 1), max_size=3))
    values = st.lists(FINITE, min_size=len(seeds), max_size=len(seeds)).map(tuple)
    return Trained(valid=draw(values), test=draw(st.none() | values), seeds=tuple(seeds))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans as they come back from a file or a study: every knob resolved, the length in steps."""
    chosen = draw(st.none() | settings())
    resolved = None if chosen is None else Settings(**{
        **chosen.to_dict(), "min_lr": chosen.resolved_min_lr, "min_momentum": chosen.resolved_min_momentum, "epochs": None,
        "cycles": chosen.resolved_cycles if chosen.schedule in USUAL_CYCLES else None,
    })  # fmt: skip
    return Plan(
        outcome=draw(st.sampled_from(StudyOutcome)),
        settings=resolved,
        optimizer_name=draw(st.sampled_from(["sgd", "nesterov", "adam", "adamw", "custom"])),
        n_train=draw(LENGTHS),
        total_steps=0 if resolved is None else draw(LENGTHS),
        micro_batch_size=draw(st.none() | LENGTHS),
        has_custom_param_groups=draw(st.booleans()),
        clip_grad_norm=draw(st.none() | st.floats(1e-6, 1e6)),
        precision=draw(st.sampled_from(["fp32", "bf16", "fp16"])),
        ema=draw(st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True)),
        goal=draw(NAMES),
        cost=draw(st.builds(StudyCost, search=SHARES, confirm=SHARES, baseline=SHARES, seconds=SHARES)),
        confirmed=draw(st.none() | trained()),
        current=draw(st.none() | trained()),
        findings=tuple(draw(st.lists(findings(), max_size=3))),
        advice=tuple(draw(st.lists(SENTENCES, max_size=3))),
    )
