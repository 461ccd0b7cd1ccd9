"""The table of the fresh kinds: made by somebody who had not seen the reading, after its first figures."""

from benchmarks.clues.beds import Bed
from benchmarks.clues.fresh_beds import FRESH_BEDS
from benchmarks.clues.kind import Kind, Maker
from benchmarks.clues.kinds import fresh_broken as broken
from benchmarks.clues.kinds import fresh_held_back as held_back
from benchmarks.clues.kinds import fresh_overfit as overfit
from benchmarks.clues.kinds import fresh_tuned as tuned

_CI, _MN, _SP, _TA, _WO, _CO, _SU, _SH = FRESH_BEDS.values()


def _kind(make: Maker, accepted: str, beds: tuple[Bed, ...], **knobs: str) -> Kind:
    return Kind(name=make.__name__, half="fresh", accepted=tuple(accepted.split()), beds=beds, make=make, knobs=knobs)


FRESH = (
    _kind(tuned.tuned_fastai_cycle, "balanced", (_CI, _TA, _CO)),
    _kind(tuned.tuned_half_cosine, "balanced", (_SP, _CO, _WO)),
    _kind(tuned.tuned_linear_decay, "balanced", (_TA, _WO, _SU)),
    _kind(tuned.tuned_step_drops, "balanced plateaued", (_MN, _CO, _SH)),
    _kind(tuned.tuned_warm_restarts, "balanced plateaued", (_SP, _MN, _CO)),
    _kind(tuned.easy_four_times, "plateaued balanced", tuned.EASY, epochs="lower"),
    _kind(overfit.memorised_labels, "overfitting weight_decay_low", (_CI, _MN, _SH), weight_decay="raise", epochs="lower"),
    _kind(overfit.two_labels_in_five, "overfitting weight_decay_low", (_MN, _TA, _WO), weight_decay="raise", epochs="lower"),
    _kind(overfit.few_examples_no_decay, "weight_decay_low overfitting metrics_disagree", (_CI, _TA, _SU), weight_decay="raise"),
    _kind(overfit.too_many_passes, "overfitting weight_decay_low metrics_disagree", (_MN, _CI, _TA), weight_decay="raise", epochs="lower"),
    _kind(overfit.other_validation, "overfitting weight_decay_low metrics_disagree", (_CI, _MN, _SH)),
    _kind(overfit.certain_and_wrong, "metrics_disagree overfitting", (_MN, *overfit.CERTAIN)),
    _kind(overfit.more_data_later, "early_overfitting_hump", (_MN, _TA, _WO, _SH)),
    _kind(held_back.line_through_curves, "underfitting plateaued", held_back.LINES, capacity="raise"),
    _kind(held_back.bottleneck, "underfitting plateaued", (_CO, _MN, _SP), capacity="raise"),
    _kind(held_back.drowned_inputs, "underfitting plateaued", (_MN, _SH, _TA), dropout="lower"),
    _kind(held_back.clipped_to_a_crawl, "underfitting unfinished", (_MN, _SH, _CI), lr="raise", epochs="raise"),
    _kind(held_back.rate_ten_times_too_small, "underfitting unfinished", (_CI, _SH, _CO, _SP), lr="raise"),
    _kind(held_back.decay_crushes, "weight_decay_high underfitting plateaued", (_MN, _TA, _CO), weight_decay="lower"),
    _kind(held_back.cosine_cut_at_a_third, "unfinished underfitting", (_CI, _SH, _SU), epochs="raise"),
    _kind(broken.rate_thirty_times, "diverged unstable never_started", (_MN, _SH, _SU), lr="lower"),
    _kind(broken.rate_warmed_too_high, "diverged unstable", (_MN, _SH, _SP), lr="lower"),
    _kind(broken.burst_recovered, "unstable", (_MN, _TA, _SP, _CI)),
    _kind(broken.bad_to_the_end, "unstable diverged", (_MN, _SH, _TA)),
    _kind(broken.nan_midway, "diverged", (_CI, _SU, _CO)),
    _kind(broken.heavy_momentum, "oscillating", broken.SWINGS, momentum="lower"),
    _kind(broken.dead_relu, "never_started", (_MN, _TA, _CO)),
    _kind(broken.zero_rate, "never_started", (_SH, _WO, _SU), lr="raise"),
    _kind(broken.handful_redrawn, "too_noisy", (_CI, _TA, _SH)),
)
"""In the order of the tables."""
