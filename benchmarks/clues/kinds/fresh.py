"""The table of the fresh kinds: made by somebody who had not seen the reading, after its first figures."""

from benchmarks.clues.beds import Bed
from benchmarks.clues.fresh_beds import FRESH_BEDS
from benchmarks.clues.kind import Kind, Maker
from benchmarks.clues.kinds import fresh_broken as broken
from benchmarks.clues.kinds import fresh_held_back as held_back
from benchmarks.clues.kinds import fresh_overfit as overfit
from benchmarks.clues.kinds import fresh_tuned as tuned

_CIFAR, _MNIST, _SPIRAL, _TAUGHT, _WORDS, _COPY, _SURE, _COAST = FRESH_BEDS.values()


def _kind(make: Maker, accepted: str, beds: tuple[Bed, ...], **knobs: str) -> Kind:
    return Kind(name=make.__name__, half="fresh", accepted=tuple(accepted.split()), beds=beds, make=make, knobs=knobs)


FRESH = (
    _kind(tuned.tuned_fastai_cycle, "balanced", (_CIFAR, _TAUGHT, _COPY)),
    _kind(tuned.tuned_half_cosine, "balanced", (_SPIRAL, _COPY, _WORDS)),
    _kind(tuned.tuned_linear_decay, "balanced", (_TAUGHT, _WORDS, _SURE)),
    _kind(tuned.tuned_step_drops, "balanced plateaued", (_MNIST, _COPY, _COAST)),
    _kind(tuned.tuned_warm_restarts, "balanced plateaued", (_SPIRAL, _MNIST, _COPY)),
    _kind(tuned.easy_four_times, "plateaued balanced", tuned.EASY, epochs="lower"),
    _kind(overfit.memorised_labels, "overfitting weight_decay_low", (_CIFAR, _MNIST, _COAST), weight_decay="raise", epochs="lower"),
    _kind(overfit.two_labels_in_five, "overfitting weight_decay_low", (_MNIST, _TAUGHT, _WORDS), weight_decay="raise", epochs="lower"),
    _kind(overfit.few_examples_no_decay, "weight_decay_low overfitting metrics_disagree", (_CIFAR, _TAUGHT, _SURE), weight_decay="raise"),
    _kind(overfit.too_many_passes, "overfitting weight_decay_low metrics_disagree", (_MNIST, _CIFAR, _TAUGHT), weight_decay="raise", epochs="lower"),
    _kind(overfit.other_validation, "overfitting weight_decay_low metrics_disagree", (_CIFAR, _MNIST, _COAST)),
    _kind(overfit.certain_and_wrong, "metrics_disagree overfitting", (_MNIST, *overfit.CERTAIN)),
    _kind(overfit.more_data_later, "early_overfitting_hump", (_MNIST, _TAUGHT, _WORDS, _COAST)),
    _kind(held_back.line_through_curves, "underfitting plateaued", held_back.LINES, capacity="raise"),
    _kind(held_back.bottleneck, "underfitting plateaued", (_COPY, _MNIST, _SPIRAL), capacity="raise"),
    _kind(held_back.drowned_inputs, "underfitting plateaued", (_MNIST, _COAST, _TAUGHT), dropout="lower"),
    _kind(held_back.clipped_to_a_crawl, "underfitting unfinished", (_MNIST, _COAST, _CIFAR), lr="raise", epochs="raise"),
    _kind(held_back.rate_ten_times_too_small, "underfitting unfinished", (_CIFAR, _COAST, _COPY, _SPIRAL), lr="raise"),
    _kind(held_back.decay_crushes, "weight_decay_high underfitting plateaued", (_MNIST, _TAUGHT, _COPY), weight_decay="lower"),
    _kind(held_back.cosine_cut_at_a_third, "unfinished underfitting", (_CIFAR, _COAST, _SURE), epochs="raise"),
    _kind(broken.rate_thirty_times, "diverged unstable never_started", (_MNIST, _SPIRAL, _SURE), lr="lower"),
    _kind(broken.rate_warmed_too_high, "diverged unstable", (_MNIST, _COAST, _SPIRAL), lr="lower"),
    _kind(broken.burst_recovered, "unstable", (_MNIST, _TAUGHT, _SPIRAL, _CIFAR)),
    _kind(broken.bad_to_the_end, "unstable diverged", (_MNIST, _COAST, _TAUGHT)),
    _kind(broken.nan_midway, "diverged", (_CIFAR, _SURE, _COPY)),
    _kind(broken.heavy_momentum, "oscillating", broken.SWINGS, momentum="lower"),
    _kind(broken.dead_relu, "never_started", (_MNIST, _TAUGHT, _COPY)),
    _kind(broken.zero_rate, "never_started", (_COAST, _WORDS, _SURE), lr="raise"),
    _kind(broken.handful_redrawn, "too_noisy", (_CIFAR, _TAUGHT, _COAST)),
)
"""In the order of the tables."""
