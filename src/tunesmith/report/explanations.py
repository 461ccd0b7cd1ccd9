"""The clues and the knobs in plain language, for someone who has never tuned: what `--explain`, the report and the page "What each knob does" all say."""

from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.reading.clues import ADVICE


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One kind of clue in plain words.

    Attributes:
        means: What is going on, in a sentence or two.
        knobs: What helps, the cheapest first; empty where there is nothing to mend.
    """

    means: str
    knobs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One knob in plain words.

    Attributes:
        name: As people call it.
        large: What a large value does.
        small: What a small value does.
        trades: What it is traded against.
    """

    name: str
    large: str
    small: str
    trades: str


KNOBS = (
    Knob(
        name="Learning rate",
        large="Trains faster and holds the network back from memorising; beyond a limit the training becomes unstable or is lost.",
        small="Trains slowly, and lets the network memorise.",
        trades="All the others: where it goes up, take weight decay, dropout or augmentation back.",
    ),
    Knob(
        name="Weight decay",
        large="Holds the network back from memorising; beyond a limit it cannot learn any more, and at a high learning rate the training breaks.",
        small="Leaves the network free to memorise.",
        trades="The learning rate: the larger that is, the smaller the weight decay that suits it. Keep it the same through the whole training.",
    ),
    Knob(
        name="Batch size",
        large="Less noise in each step, so a larger learning rate is possible; the noise no longer holds the network back.",
        small="Noisier steps, which hold the network back from memorising; uses the hardware badly.",
        trades="Time: compare batch sizes after the same minutes, neither the same epochs nor the same steps.",
    ),
    Knob(
        name="Momentum",
        large="Acts like a larger learning rate: faster, and nearer to the limit.",
        small="Acts like a smaller learning rate: slower, and safer.",
        trades="The learning rate: let momentum fall while the learning rate rises, and rise while it falls.",
    ),
    Knob(
        name="Length",
        large="More time to learn, and to memorise; costs what it costs.",
        small="Cheap; what the network could still have learned is missing.",
        trades="The learning rate: a larger one needs less time. No longer than it takes to reach the best loss.",
    ),
    Knob(
        name="Size of the network",
        large="Can learn more, and memorise more; costs time and memory.",
        small="Cannot learn what is hard in the data.",
        trades="Everything that holds it back: a larger network wants a larger learning rate or more weight decay.",
    ),
)
"""Knob by knob, in the words of someone who explains them (METHOD, section 3b)."""

_MEANS = {
    "diverged": "The training broke: the steps became so large that each made things worse, or a number overflowed. What came out of it cannot be used.",
    "too_noisy": "The validation loss jumps about by more than it gained, so nothing can be read from it.",
    "oscillating": "The loss swings up and down and does not settle: each step overshoots what the one before it did.",
    "unstable": "The training and the validation loss jumped up together: for a while the steps were too large, and some of what had been learned was lost.",
    "early_overfitting_hump": "The validation loss turned up early and came down again later: for a while the network memorised, until a larger learning rate, "
    "or more time, stopped it.",
    "overfitting": "The network memorises its training examples: it gets better on those and worse on examples that it has not seen.",
    "weight_decay_high": "The weight decay pulls the weights back as fast as the network learns: it cannot even fit its training examples.",
    "never_started": "Nothing was learned: the loss ends where it began. The steps are far too small or far too large, or something else is broken.",
    "metrics_disagree": "The loss gets worse while the metric gets better: the network is right more often, but too sure of itself where it is wrong.",
    "underfitting": "The network has not learned what there is to learn: it fell steadily to the end, or training and validation loss both ended high.",
    "plateaued": "Nothing changed any more, long before the end: the rest of the training was for nothing.",
    "weight_decay_low": "The network has learned its training examples by heart, and nothing holds its weights back.",
    "unfinished": "The training was cut off while it was still getting better, or before its learning rate had come down.",
    "balanced": "The loss fell fast and stayed level to the end: the knobs are in balance, and there is nothing to mend.",
}

EXPLANATIONS: Mapping[str, Explanation] = {kind: Explanation(means=means, knobs=tuple(turn.plain for turn in ADVICE[kind])) for kind, means in _MEANS.items()}
"""Kind of clue → what it means and what helps, in the order of `reading.clues.ADVICE`: what costs least comes first."""


def explanation_of(kind: str) -> Explanation:
    """What a kind of clue means; without words for a kind that is not known here.

    Example:
        >>> explanation_of("underfitting").knobs[2]
        'Raise the learning rate.'
    """
    return EXPLANATIONS.get(kind, Explanation(means=""))
