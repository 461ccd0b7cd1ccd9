"""What is said of a batch size: why it was chosen, what others would cost, how noisy gradients are, and whether the loader sets the pace."""

import math
from collections.abc import Mapping, Sequence

from tunesmith.finding import Finding
from tunesmith.reading.batch_times import WORTH, point_of
from tunesmith.reading.batch_value import BatchSizeValue
from tunesmith.reading.comparison import MOST_CONFIDENCE
from tunesmith.reading.knob import Judged
from tunesmith.reading.noise_scale import NOT_ESTABLISHED, NoiseScale

ONE_SEED_CONFIDENCE = 0.6
"""Of a choice that rests on one pair of short runs (our choice)."""
LOADER_BOUND = 0.5
"""A task is bound by its loader where more than this share of an update goes by waiting for data (our choice)."""
_WORTH_SAYING = 0.01
"""A predicted rise of the loss is told from here on (our choice)."""
FOUND, DOES_NOT_MATTER, CANNOT_TELL = "found", "does_not_matter", "cannot_tell"


def outcome_of(
    sizes: Sequence[BatchSizeValue], times: Mapping[int, float], *, good: Sequence[int], suggestion: int, base: int, is_clear: bool
) -> tuple[str, str]:
    """What was found, and why in a sentence."""
    ran = [size for size in sizes if size.losses]
    if not any(math.isfinite(size.loss) for size in ran):
        return CANNOT_TELL, "No run finished."
    if not times and len(ran) < 2:  # noqa: PLR2004 (nothing beside it)
        return CANNOT_TELL, "No other batch size was run, and the gradients' noise scale was not measured, or is not clear."
    if not times:
        return FOUND, f"Of {len(ran)} sizes in runs of the same time."
    slowest = max(times, key=times.__getitem__)
    if is_clear and times[slowest] <= 1 + WORTH and suggestion == base:
        return DOES_NOT_MATTER, f"From {min(times)} to {max(times)} every size is predicted to reach a target within {WORTH:.0%} of the fastest."
    told = _time_text(times, suggestion=suggestion, base=base)
    lost = [size.batch_size for size in ran if size.batch_size not in good and (size.batch_size == base or times.get(size.batch_size, 0.0) < times[suggestion])]
    ended = "did not finish" if any(not math.isfinite(size.loss) for size in ran if size.batch_size in lost) else "ended worse in the same time"
    return FOUND, told + (f"; {' and '.join(map(str, lost))} {ended}." if lost else ".")


def _time_text(times: Mapping[int, float], *, suggestion: int, base: int) -> str:
    """How soon the suggestion is predicted to be there, as the beginning of a sentence."""
    fastest = min(times, key=times.__getitem__)
    own = times[suggestion]
    if suggestion == fastest:
        told = f"Batch size {suggestion} is predicted to reach a target soonest"
    elif own <= 1 + WORTH:
        kept = "the first size stays where it is" if suggestion == base else "it is the smallest"
        told = f"Batch size {suggestion} is predicted to take {own:.2f} times as long to a target as {fastest}, and {kept} within {WORTH:.0%} of the fastest"
    else:
        told = f"Batch size {suggestion} is predicted to take {own:.2f} times as long to a target as {fastest}"
    return told if suggestion == base or base not in times else f"{told}; {base} is predicted to take {times[base]:.2f} times as long as the fastest"


def rise_text(rises: Mapping[int, float], *, suggestion: int) -> str:
    """What the next larger size would cost in loss, where that is clear; a target that the epochs do not reach is not reached soon."""
    if suggestion not in rises or suggestion * 2 not in rises:
        return ""
    more = (1 + rises[suggestion * 2]) / (1 + rises[suggestion]) - 1
    return f" In the same epochs {suggestion * 2} is predicted to end with {more:.0%} more loss." if more >= _WORTH_SAYING else ""


def choice_finding(
    judged: Judged, sizes: Sequence[BatchSizeValue], *, suggestion: int, good: Sequence[int], why: str, times: Mapping[int, float], metrics: Mapping[str, bool]
) -> Finding:
    """The size to use, what was compared, how loss and metrics rank the sizes, and what half or double would cost."""
    near = [suggestion, *(size for size in good if size in times and suggestion in times and times[size] <= (1 + WORTH) * times[suggestion])]
    compared = f" {judged.evidence}" if len(judged.values) > 1 else " No other size was run beside it."
    ranked = _rankings(sizes, metrics)
    costs = [
        f"{size} would take {times[size] / times[suggestion]:.2f} times as long"
        for size in (suggestion // 2, suggestion * 2)
        if size in times and size in good and suggestion in times
    ]
    return Finding(
        kind="batch_size", value=float(suggestion), interval=(float(min(near)), float(max(near))) if times else None,
        confidence=_confidence(judged, times), evidence=f"{why}{compared}{ranked}",
        not_established="How it generalises in a full training: short runs favour small batches, and a noise scale knows nothing of overfitting.",
        action=f"Use batch size {suggestion}" + (f": to the same loss {' and '.join(costs)}." if costs else "."),
    )  # fmt: skip


def _confidence(judged: Judged, times: Mapping[int, float]) -> float:
    """How much a choice is believed: runs on several seeds most, one pair of runs less, a prediction by itself least."""
    if len(judged.values) > 1 and times:
        return MOST_CONFIDENCE if judged.comparison.is_noise_known else ONE_SEED_CONFIDENCE
    return 0.5


def _rankings(sizes: Sequence[BatchSizeValue], metrics: Mapping[str, bool]) -> str:
    """How the sizes rank by the loss and by each metric; they may disagree (METHOD, section 2.4)."""
    ran = [size for size in sizes if size.ends]
    if len(ran) < 2 or not metrics:  # noqa: PLR2004 (nothing to rank)
        return ""
    orders = {"loss": _order(ran, "loss", is_higher_better=False)} | {name: _order(ran, name, is_higher_better=higher) for name, higher in metrics.items()}
    told = "; ".join(f"by {name} {', '.join(map(str, order))}" for name, order in orders.items() if order)
    return f" Best first, {told}{'' if len(set(map(tuple, orders.values()))) == 1 else ': they disagree, and the goal decides'}."


def _order(sizes: Sequence[BatchSizeValue], name: str, *, is_higher_better: bool) -> list[int]:
    sign = -1 if is_higher_better else 1
    return [size.batch_size for size in sorted((size for size in sizes if name in size.ends), key=lambda size: sign * size.ends[name])]


def noise_finding(noise: NoiseScale) -> Finding:
    """The critical batch size, how it grew, and what is reckoned with where it is not clear."""
    steps = "" if noise.first_step is None else f" after {noise.first_step} to {noise.last_step} updates"
    grew = f", {noise.early:.3g} in the first half and {noise.late:.3g} in the second" if noise.early is not None and noise.late is not None else ""
    point = point_of(noise)
    reckoned = "" if point is None else f" Reckoned with: {point:.3g}."
    unclear = "" if noise.value is not None else f" The mean gradient cannot be told from zero: the noise scale is at least {noise.interval[0]:.3g}.{reckoned}"
    return Finding(
        kind="noise_scale", value=None if noise.value is None else float(f"{noise.value:.3g}"),
        interval=(float(f"{noise.interval[0]:.3g}"), float(f"{noise.interval[1]:.3g}")) if math.isfinite(noise.interval[1]) else None,
        confidence=MOST_CONFIDENCE if noise.value is not None else 0.5,
        evidence=f"{noise.n_samples} samples of gradients{steps}{grew}.{unclear}", not_established=NOT_ESTABLISHED,
    )  # fmt: skip


def exponent_finding(exponent: float, allowed: tuple[float, float]) -> Finding:
    """How the learning rate goes with the batch size, measured through the noise scale."""
    return Finding(
        kind="lr_exponent", value=exponent, interval=allowed, confidence=ONE_SEED_CONFIDENCE,
        evidence="From the noise scale: the best learning rate goes like 1 / (1 + noise scale / batch size), its square root for Adam kinds.",
        not_established="That the learning rate should not be tuned again at another batch size.",
    )  # fmt: skip


def throughput_finding(seconds: Mapping[int, float], *, knee: int, loading: Mapping[int, float]) -> Finding:
    """How many examples a second each size trains on, and whether the loader sets the pace."""
    rates = ", ".join(f"{size}: {size / found:,.0f}" if size > 100 * found else f"{size}: {size / found:.3g}" for size, found in sorted(seconds.items()))
    waits = {size: loading[size] / found for size, found in seconds.items() if size in loading}
    bound = bool(waits) and min(waits.values()) > LOADER_BOUND
    action = "Make the data faster (num_workers=, a smaller or decoded copy, tensors in memory): no batch size will." if bound else ""
    waiting = f" Waiting for data takes {min(waits.values()):.0%} of an update and more: the loader sets the pace." if bound else ""
    return Finding(
        kind="loader_bound" if bound else "throughput", value=float(knee), confidence=MOST_CONFIDENCE,
        evidence=f"Examples a second at each batch size: {rates}. From {knee} on throughput is within a fifth of the best.{waiting}",
        not_established="What another machine, or this one when it is busy, would do: --time-model takes another's.", action=action,
    )  # fmt: skip
