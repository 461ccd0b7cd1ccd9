"""Prints what mending would gain: the check that a kind's claim holds, by another run and not by a look at the curve.

    python -m benchmarks.clues.mended > benchmarks/results/clues_mended.md     # two minutes

Kinds that hold a bed back (wrong rate, decay, capacity, length) are held against the bed's good state, as
(their end - the good end) / (start - the good end) of the validation loss: 0 is as good as mended, 1 is nothing learned.
Kinds that need decay are held against the best of three decays, as their end / the best end. Smallest to largest over the seeds.
"""

from dataclasses import replace

from benchmarks.clues.__main__ import ROWS, SEEDS
from benchmarks.clues.beds import BEDS, Bed
from benchmarks.clues.kind import Kind, Order, order
from benchmarks.clues.kinds import KINDS
from benchmarks.proof.cache import Rows
from tunesmith.curve import Curve
from tunesmith.engine import run_spec

HELD_BACK = (
    "lr_far_too_small", "lr_tenth", "cut_at_a_third", "constant_too_short", "too_narrow", "dropout_too_strong", "decay_far_too_large", "decay_too_large",
)  # fmt: skip
NEED_DECAY = ("no_decay_little_data", "ridge_needed", "label_noise", "random_labels")
DECAYS = (0.01, 0.1, 1.0)
_ADAMS_FACTOR = 30
"""Decoupled decay needs about this much more at Adam's rates."""


def good_state(bed: Bed) -> Curve:
    """The bed as it should be trained."""
    return _train(order(bed.task(), bed.settings(), seed=0))


def with_decay(kind: Kind, bed: Bed, seed: int) -> float:
    """The best end of the kind's run with decay."""
    made = kind.make(bed, seed)
    decays = [decay * (_ADAMS_FACTOR if bed.is_adam else 1) for decay in DECAYS]
    return min(_train(replace(made, spec=replace(made.spec, settings=replace(made.spec.settings, weight_decay=decay)))).final_valid_loss for decay in decays)


def _train(made: Order) -> Curve:
    return run_spec(made.task, made.spec).curve


def main() -> None:
    """Print the tables."""
    stored = {half: Rows(ROWS / f"{half}.jsonl") for half in ("fit", "report")}
    ends = {(key["kind"], key["bed"], key["seed"]): float(row["valid_loss"][-1]) for rows in stored.values() for key, row in rows.all() if row["valid_loss"]}
    print("# What mending gains\n\nSee the top of `clues/mended.py`.\n\n| kind | bed | share of the drop that it misses |\n|---|---|---|")
    good = {bed.name: good_state(bed) for bed in BEDS.values()}
    for kind in (KINDS[name] for name in HELD_BACK):
        for bed in (bed for bed in kind.beds if bed.name in good):
            start, end = good[bed.name].train_loss[0], good[bed.name].final_valid_loss
            _print_row(kind, bed, [(ends[kind.name, bed.name, seed] - end) / (start - end) for seed in SEEDS])
    print("\n| kind | bed | its end over the best with decay |\n|---|---|---|")
    for kind in (KINDS[name] for name in NEED_DECAY):
        for bed in kind.beds:
            _print_row(kind, bed, [ends[kind.name, bed.name, seed] / with_decay(kind, bed, seed) for seed in SEEDS])


def _print_row(kind: Kind, bed: Bed, values: list[float]) -> None:
    print(f"| {kind.name} | {bed.name} | {min(values):.2f} to {max(values):.2f} |", flush=True)


if __name__ == "__main__":
    main()
