import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.cost import FORWARD_SHARE
from tunesmith.probes.lr_range import FEWEST_STEPS, MOST_BRACKET_STEPS
from tunesmith.recipe.allowance import (
    FEWEST_FIRST_STEPS,
    FEWEST_SHORT_STEPS,
    RANGE_SHARE,
    STAGE_RUNS,
    bracket_steps,
    first_batch_size,
    range_size,
    short_size,
)

BATCHES = st.sampled_from([1, 4, 16, 64, 256, 1024])
EXAMPLES = st.floats(1e3, 1e8)
N_VALID = st.integers(1, 20_000)
NORMS = st.sampled_from([0, 512, 2048])


@given(BATCHES, EXAMPLES)
def test_a_fixed_batch_size_is_not_moved(size: int, examples: float) -> None:
    assert first_batch_size(usual=64, full_training_examples=examples, fixed=size) == size


@given(BATCHES, EXAMPLES)
def test_the_first_batch_size_is_halved_for_updates_but_not_below_sixteen(usual: int, examples: float) -> None:
    size = first_batch_size(usual=usual, full_training_examples=examples, fixed=None)
    assert min(usual, 16) <= size <= usual
    assert size <= 16 or examples / size >= FEWEST_FIRST_STEPS or size == usual == 16


@given(EXAMPLES, BATCHES, N_VALID, NORMS)
def test_a_range_test_costs_at_most_twice_its_share(search: float, batch_size: int, n_valid: int, norm_examples: int) -> None:
    """Wherever the bracket, which comes before it, fits into its own share."""
    if bracket_steps(search_examples=search, batch_size=batch_size) < FEWEST_STEPS:
        return
    size = range_size(search_examples=search, batch_size=batch_size, n_valid=n_valid, norm_examples=norm_examples)
    assert size.steps >= FEWEST_STEPS
    assert 0 <= size.evaluations <= 19
    assert 1 <= size.valid_examples <= n_valid
    slack = FORWARD_SHARE * (size.valid_examples + norm_examples) if size.evaluations == 0 else 0
    assert size.price(batch_size, norm_examples=norm_examples) <= 2 * RANGE_SHARE * search + slack


@given(EXAMPLES)
def test_a_bracket_is_short(search: float) -> None:
    assert 0 <= bracket_steps(search_examples=search, batch_size=16) <= MOST_BRACKET_STEPS


@given(EXAMPLES, EXAMPLES, BATCHES, N_VALID, NORMS, st.sets(st.sampled_from(sorted(STAGE_RUNS))))
def test_short_runs_fit_into_what_is_left(left: float, full: float, batch_size: int, n_valid: int, norm_examples: int, stages: set[str]) -> None:
    wanted = tuple(name for name in STAGE_RUNS if name in stages)
    size = short_size(left=left, full_training_examples=full, batch_size=batch_size, n_valid=n_valid, norm_examples=norm_examples, stages=wanted)
    if size is None:
        return
    assert set(size.stages) <= stages
    assert "peak_lr" in size.stages or "peak_lr" not in stages
    runs = sum(STAGE_RUNS[name] for name in size.stages)
    assert size.examples * runs <= left * (1 + 1e-9)
    assert size.examples <= full / 8 * (1 + 1e-9)
    steps = size.steps_at(batch_size, norm_examples=norm_examples)
    assert steps >= FEWEST_SHORT_STEPS
    assert steps * batch_size + FORWARD_SHARE * (size.valid_examples + norm_examples) <= size.examples * (1 + 1e-9)
    assert 1 <= size.valid_examples <= n_valid


@pytest.mark.parametrize(("left", "stages"), [(4_300, 4), (3_700, 3), (2_900, 2), (1_700, 1), (1_600, 0)])
def test_stages_are_dropped_in_a_fixed_order(left: float, stages: int) -> None:
    size = short_size(left=left, full_training_examples=1e9, batch_size=16, n_valid=64, norm_examples=0, stages=tuple(STAGE_RUNS))
    kept = () if size is None else size.stages
    assert len(kept) == stages
    assert set(kept) == set(("peak_lr", "weight_decay", "momentum", "batch_size")[:stages])
