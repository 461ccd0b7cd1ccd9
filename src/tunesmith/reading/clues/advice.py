"""What each clue asks for, the cheapest first. Source: the report's balance of regularisation (remarks 3 and 6; METHOD, section 3b)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One knob, one way.

    Attributes:
        knob: As torch or the plan spells it, or "data", "dropout", "capacity", "epochs".
        way: "raise", "lower" or "look".
        words: What to do, as a part of a sentence.
    """

    knob: str
    way: str
    words: str


_LARGER_LR = Turn(knob="lr", way="raise", words="a larger learning rate (it regularises, and trains faster)")
_SMALLER_LR = Turn(knob="lr", way="lower", words="half the peak learning rate")
_MORE_DECAY = Turn(knob="weight_decay", way="raise", words="three to ten times the weight decay")
_LESS_DECAY = Turn(knob="weight_decay", way="lower", words="a third to a tenth of the weight decay")
_SHORTER = Turn(knob="epochs", way="lower", words="a shorter training")
_LONGER = Turn(knob="epochs", way="raise", words="a longer training")
_LOOK_AT_DATA = Turn(knob="data", way="look", words="a look at the data and the loss")

ADVICE: dict[str, tuple[Turn, ...]] = {
    "diverged": (
        _SMALLER_LR, Turn(knob="weight_decay", way="lower", words="less weight decay at a high learning rate"), _LOOK_AT_DATA,
    ),
    "too_noisy": (Turn(knob="data", way="look", words="more validation examples, the same ones at every evaluation, evaluated more often"),),
    "oscillating": (Turn(knob="momentum", way="lower", words="less momentum, or momentum that falls while the rate rises"), _SMALLER_LR),
    "unstable": (
        _SMALLER_LR, Turn(knob="weight_decay", way="lower", words="less weight decay at a high learning rate"),
        Turn(knob="momentum", way="lower", words="cyclical momentum and a slower rise of the rate"),
        Turn(knob="batch_size", way="raise", words="a larger batch"),
    ),
    "early_overfitting_hump": (_LARGER_LR,),
    "overfitting": (_LARGER_LR, _MORE_DECAY, Turn(knob="batch_size", way="lower", words="a smaller batch"), _SHORTER),
    "weight_decay_high": (_LESS_DECAY, _SMALLER_LR),
    "never_started": (Turn(knob="lr", way="raise", words="ten times the learning rate"), _LOOK_AT_DATA),
    "metrics_disagree": (Turn(knob="goal", way="look", words="a decision, before the next training, whether the loss or the metric counts"),),
    "underfitting": (
        _LARGER_LR, Turn(knob="weight_decay", way="lower", words="less weight decay"),
        Turn(knob="dropout", way="lower", words="less dropout or augmentation"), _LONGER, Turn(knob="capacity", way="raise", words="a larger network"),
    ),
    "plateaued": (_SHORTER,),
    "weight_decay_low": (_LARGER_LR, _MORE_DECAY, _SHORTER),
    "unfinished": (_LONGER,),
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


def action_of(kind: str) -> str:
    """The same as a sentence; empty where there is nothing to do.

    Example:
        >>> action_of("oscillating")
        'Try less momentum, or momentum that falls while the rate rises; then half the peak learning rate.'
    """
    words = [turn.words for turn in ADVICE[kind]]
    return f"Try {'; then '.join(words)}." if words else ""
