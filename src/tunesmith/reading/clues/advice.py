"""What each clue asks for, the cheapest first. Source: the report's balance of regularisation (remarks 3 and 6; METHOD, section 3b)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One knob, one way.

    Attributes:
        knob: As torch or the plan spells it, or "data", "goal", "dropout", "capacity", "epochs", "warmup".
        way: "raise", "lower" or "look".
        words: What to try, as a part of a sentence.
        plain: The same as a sentence for someone who has never tuned.
    """

    knob: str
    way: str
    words: str
    plain: str


_LARGER_LR = Turn(
    knob="lr", way="raise", words="a larger learning rate, which trains faster too",
    plain="Raise the learning rate, as far as the training stays stable: it holds the network back from memorising, and trains faster.",
)  # fmt: skip
_SMALLER_LR = Turn(knob="lr", way="lower", words="half the largest learning rate", plain="Lower the largest learning rate, to a half or a third.")
_SLOWER_RISE = Turn(knob="warmup", way="raise", words="a slower rise of the learning rate", plain="Let the learning rate rise more slowly.")
_CYCLED_MOMENTUM = Turn(
    knob="momentum", way="lower", words="momentum that falls while the learning rate rises",
    plain="Let the momentum fall while the learning rate rises, say from .95 to .85.",
)  # fmt: skip
_LARGER_BATCH = Turn(knob="batch_size", way="raise", words="a larger batch", plain="Take a larger batch.")
_MORE_DECAY = Turn(knob="weight_decay", way="raise", words="three to ten times the weight decay", plain="Raise the weight decay, threefold or tenfold.")
_LESS_DECAY = Turn(knob="weight_decay", way="lower", words="a third to a tenth of the weight decay", plain="Lower the weight decay, to a third or a tenth.")
_LESS_DECAY_WHERE_HIGH = Turn(
    knob="weight_decay", way="lower", words="less weight decay at high learning rates", plain="Lower the weight decay where the learning rate is high."
)  # fmt: skip
_SMALLER_BATCH = Turn(knob="batch_size", way="lower", words="a smaller batch", plain="Take a smaller batch.")
_SHORTER = Turn(
    knob="epochs", way="lower", words="a shorter training", plain="Train for a shorter time; the learning rate must then fall sooner, too."
)  # fmt: skip
_LONGER = Turn(knob="epochs", way="raise", words="a longer training", plain="Train longer.")
_SMALLER_STEPS = (_SMALLER_LR, _LESS_DECAY_WHERE_HIGH, _SLOWER_RISE, _CYCLED_MOMENTUM, _LARGER_BATCH)

ADVICE: dict[str, tuple[Turn, ...]] = {
    "diverged": (
        *_SMALLER_STEPS,
        Turn(
            knob="data", way="look", words="a look at data and loss where every learning rate breaks",
            plain="If it breaks at any learning rate, look for NaN in the data and for a bug in the loss.",
        ),
    ),
    "too_noisy": (
        Turn(
            knob="data", way="look", words="more validation examples, the same ones each time",
            plain="Validate on more examples, and always on the same ones.",
        ),
        Turn(knob="seed", way="look", words="the mean of several seeds", plain="Take the mean of several trainings with other seeds."),
    ),
    "oscillating": (
        Turn(
            knob="momentum", way="lower", words="less momentum, or momentum that falls while the learning rate rises",
            plain="Lower the momentum, or let it fall while the learning rate rises.",
        ),
        _SMALLER_LR,
        Turn(
            knob="schedule", way="look", words="a learning rate that falls to almost nothing at the end",
            plain="Let the learning rate fall to almost nothing at the end; swings in mid-training are then no trouble.",
        ),
    ),
    "unstable": _SMALLER_STEPS,
    "early_overfitting_hump": (
        Turn(
            knob="lr", way="raise", words="a larger learning rate from the start",
            plain="Begin with a larger learning rate, or let it rise faster: the hump goes away.",
        ),
    ),
    "overfitting": (_LARGER_LR, _MORE_DECAY, _SMALLER_BATCH, _SHORTER),
    "weight_decay_high": (_LESS_DECAY, _SMALLER_LR),
    "never_started": (
        Turn(
            knob="lr", way="raise", words="ten times the learning rate",
            plain="Raise the learning rate tenfold; a range test (tunesmith lr-range) shows at which rates the loss falls at all.",
        ),
        Turn(
            knob="data", way="look", words="a look at labels, loss and network",
            plain="Look whether labels and inputs belong together, and whether the network can learn ten examples by heart.",
        ),
    ),
    "metrics_disagree": (
        Turn(
            knob="goal", way="look", words="a decision, before the next training, whether the loss or the metric counts",
            plain="Decide which of the two counts. If the metric does, go on, and compare by it; if the loss does, treat it as overfitting.",
        ),
    ),
    "underfitting": (
        _LESS_DECAY,
        Turn(
            knob="dropout", way="lower", words="less dropout or augmentation",
            plain="Take away what else holds the network back: less dropout, weaker augmentation.",
        ),
        Turn(knob="lr", way="raise", words="a larger learning rate", plain="Raise the learning rate."),
        _LONGER,
        Turn(knob="capacity", way="raise", words="a larger network", plain="Take a larger network."),
    ),
    "plateaued": (_SHORTER,),
    "weight_decay_low": (_LARGER_LR, _MORE_DECAY, _SHORTER),
    "unfinished": (
        Turn(
            knob="schedule", way="look", words="a learning rate that falls to almost nothing within the time there is",
            plain="Let the learning rate fall to almost nothing within the time that there is: the loss falls with it.",
        ),
        _LONGER,
    ),
    "balanced": (),
}  # fmt: skip
"""Kind → what to turn, in order of what it costs to try: a rate, a decay, a momentum or batch, a length, a network."""


def knobs_of(kind: str) -> tuple[tuple[str, str], ...]:
    """Knob and way of each turn that a clue asks for.

    Example:
        >>> knobs_of("plateaued")
        (('epochs', 'lower'),)
    """
    return tuple((turn.knob, turn.way) for turn in ADVICE[kind])


def action_of(kind: str, *, first: str = "") -> str:
    """The same as a sentence; empty where there is nothing to do.

    Args:
        kind: Of the clue.
        first: The knob that the evidence points at: it is named before the others.

    Example:
        >>> action_of("weight_decay_high")
        'Try a third to a tenth of the weight decay; then half the largest learning rate.'
        >>> action_of("underfitting", first="lr")[:41]
        'Try a larger learning rate; then a third '
    """
    turns = sorted(ADVICE[kind], key=lambda turn: turn.knob != first)
    return f"Try {'; then '.join(turn.words for turn in turns)}." if turns else ""
