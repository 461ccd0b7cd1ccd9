"""Every kind, with its half, or in the fresh part. A kind stays where it is for ever; a new one is added to any, and no other moves."""

from benchmarks.clues.beds import BEDS
from benchmarks.clues.kind import Kind, Maker
from benchmarks.clues.kinds import capacity, decay, labels, length, noise, rates, waves
from benchmarks.clues.kinds.fresh import FRESH

_D, _W, _C, _L = (BEDS[name] for name in ("digits_mlp", "wine_bn", "california_mlp", "text_lstm"))
_M, _A, _V, _T = (BEDS[name] for name in ("mnist_cnn", "adult_mlp", "wave_tanh", "text_transformer"))


def _kind(make: Maker, accepted: str, beds: tuple, **knobs: str) -> Kind:
    return Kind(name=make.__name__, half=beds[0].half, accepted=tuple(accepted.split()), beds=beds, make=make, knobs=knobs)


_FIT = (
    _kind(length.one_cycle_tuned, "balanced", (_D, _W, _C)),
    _kind(length.step_decay, "balanced plateaued", (_D, _W, _C)),
    _kind(length.cut_at_a_third, "unfinished underfitting", (_D, _C, _L), epochs="raise"),
    _kind(length.long_zero_tail, "plateaued balanced", (_D, _W, _C), epochs="lower"),
    _kind(capacity.linear_on_xor, "underfitting plateaued", capacity.LINEAR, capacity="raise"),
    _kind(capacity.too_narrow, "underfitting plateaued", (_D, _C, _L), capacity="raise"),
    _kind(labels.random_labels, "overfitting weight_decay_low", (_D, _W, _C, _L), weight_decay="raise", epochs="lower"),
    _kind(decay.no_decay_little_data, "weight_decay_low overfitting", (_D, _W, _C, _L), weight_decay="raise"),
    _kind(decay.decay_far_too_large, "weight_decay_high underfitting", (_D, _C, _L, labels.SEPARABLE[0]), weight_decay="lower"),
    _kind(waves.subset_first, "early_overfitting_hump", (_D, _W, _L)),
    _kind(waves.swinging_bowl, "oscillating", waves.BOWLS, momentum="lower"),
    _kind(rates.lr_bump, "unstable diverged", (_D, _W, _C, _L), lr="lower"),
    _kind(rates.nan_example, "diverged", (_D, _W, _C, _L)),
    _kind(rates.lr_far_too_small, "never_started underfitting unfinished", (_D, _W, _C, _L), lr="raise"),
    _kind(labels.flipped_validation, "metrics_disagree overfitting", (_D, *labels.SEPARABLE)),
    _kind(noise.few_redrawn, "too_noisy", (_D, _W, _C, _L)),
)
_REPORT = (
    _kind(length.cosine_tuned, "balanced", (_M, _A, _V)),
    _kind(length.warmup_linear_tuned, "balanced", (_M, _A, _V)),
    _kind(length.constant_too_short, "unfinished underfitting", (_M, _A, _T, length.CONVEX[2]), epochs="raise"),
    _kind(rates.lr_tenth, "underfitting unfinished plateaued", (_M, _A, _V, _T), lr="raise"),
    _kind(length.solved_early, "plateaued balanced", length.CONVEX, epochs="lower"),
    _kind(capacity.dropout_too_strong, "underfitting plateaued", (_M, _A, _V), dropout="lower"),
    _kind(labels.label_noise, "overfitting weight_decay_low", (_M, _A, _T, *labels.SEPARABLE_REPORT), weight_decay="raise", epochs="lower"),
    _kind(labels.shortcut, "overfitting metrics_disagree", (_M, _A, _V)),
    _kind(decay.ridge_needed, "weight_decay_low overfitting", decay.RIDGE, weight_decay="raise"),
    _kind(decay.decay_too_large, "weight_decay_high underfitting", (_M, _A, _V, _T), weight_decay="lower"),
    _kind(decay.decay_unstable, "diverged weight_decay_high", (_M, _A, _V, _T), weight_decay="lower"),
    _kind(waves.two_speed_features, "early_overfitting_hump", waves.TWO_SPEEDS),
    _kind(rates.momentum_near_one, "oscillating unstable", length.SWINGING, momentum="lower"),
    _kind(rates.bad_batches, "unstable diverged", (_M, _A, _V, _T)),
    _kind(rates.lr_thirty_times, "diverged unstable", (_M, _A, _V, _T), lr="lower"),
    _kind(length.dead_network, "never_started", (_M, _A, _V, _T)),
    _kind(labels.outliers_in_validation, "metrics_disagree overfitting", (_M, _A, *labels.SEPARABLE_REPORT)),
    _kind(noise.shaky_evaluation, "too_noisy", (_M, _A, _V, _T)),
)
KINDS = {kind.name: kind for kind in (*_FIT, *_REPORT, *FRESH)}
"""By name, in the order of the tables."""
