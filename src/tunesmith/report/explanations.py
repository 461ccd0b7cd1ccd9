"""The clues and the knobs in plain language, for someone who has never tuned: what `--explain`, the report and the page "What each knob does" all say."""

from collections.abc import Mapping
from dataclasses import dataclass


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

_SMALLER_STEPS = (
    "Lower the largest learning rate, to a half or a third.",
    "Lower the weight decay where the learning rate is high.",
    "Let the learning rate rise more slowly.",
    "Let the momentum fall while the learning rate rises, say from .95 to .85.",
    "Take a larger batch.",
)
_HOLD_BACK = (
    "Raise the learning rate first, as far as the training stays stable: it trains faster too.",
    "Then raise the weight decay, threefold or tenfold.",
    "Then take a smaller batch.",
    "Then train for a shorter time.",
    "Where the learning rate goes up a lot, take some of the weight decay or dropout back.",
)

EXPLANATIONS: Mapping[str, Explanation] = {
    "diverged": Explanation(
        means="The training broke: the steps became so large that each made things worse, or a number overflowed. What came out of it cannot be used.",
        knobs=(*_SMALLER_STEPS, "If it breaks at any learning rate, look for NaN in the data and for a bug in the loss."),
    ),
    "unstable": Explanation(
        means="The training and the validation loss jumped up together: for a while the steps were too large, and some of what had been learned was lost.",
        knobs=_SMALLER_STEPS,
    ),
    "oscillating": Explanation(
        means="The loss swings up and down and does not settle: each step overshoots what the one before it did.",
        knobs=(
            "Let the learning rate fall to almost nothing at the end; swings in mid-training are then no trouble.",
            "Lower the largest learning rate.",
            "Lower the momentum.",
            "Take a larger batch.",
        ),
    ),
    "never_started": Explanation(
        means="Nothing was learned: the loss ends where it began. The steps are far too small or far too large, or something else is broken.",
        knobs=(
            "Look whether labels and inputs belong together, and whether the network can learn ten examples by heart.",
            "Run a learning-rate range test (tunesmith lr-range): it shows at which rates the loss falls at all.",
            "Take away weight decay and dropout until it learns.",
        ),
    ),
    "overfitting": Explanation(
        means="The network memorises its training examples: it gets better on those and worse on examples that it has not seen.",
        knobs=_HOLD_BACK,
    ),
    "weight_decay_low": Explanation(
        means="The network has learned its training examples by heart, and nothing holds its weights back.",
        knobs=(
            "Raise the learning rate first, as far as the training stays stable: it trains faster too.",
            "Then raise the weight decay tenfold, and settle between the two afterwards.",
            "Then take a smaller batch.",
            "Then train for a shorter time.",
        ),
    ),
    "metrics_disagree": Explanation(
        means="The loss gets worse while the score gets better: the network is right more often, but too sure of itself where it is wrong.",
        knobs=(
            "Decide which of the two counts. If the score does, go on, and compare trainings by the score.",
            "If the loss does, treat it as overfitting: a larger learning rate, then more weight decay.",
            "Label smoothing makes a network less sure of itself.",
        ),
    ),
    "early_overfitting_hump": Explanation(
        means="The validation loss turned up early and came down again later: for a while the network memorised, until a larger learning rate stopped it.",
        knobs=(
            "Begin with a larger learning rate, or let it rise faster: the hump goes away.",
            "Then raise the weight decay a little.",
        ),
    ),
    "weight_decay_high": Explanation(
        means="The weight decay pulls the weights back as fast as the network learns: it cannot even fit its training examples.",
        knobs=(
            "Lower the weight decay, to a third or a tenth.",
            "If it has to stay, lower the largest learning rate: the two act together.",
        ),
    ),
    "underfitting": Explanation(
        means="The network has not learned what there is to learn: training and validation loss are both still high, and near each other.",
        knobs=(
            "Take away what holds it back: less weight decay, less dropout, weaker augmentation.",
            "Raise the learning rate.",
            "Train longer.",
            "Take a larger network.",
        ),
    ),
    "unfinished": Explanation(
        means="The training was cut off while it was still getting better.",
        knobs=(
            "Let the learning rate fall to almost nothing within the time that there is: the loss falls with it.",
            "Raise the learning rate, so that it gets there sooner.",
            "Train longer.",
        ),
    ),
    "plateaued": Explanation(
        means="Nothing changed any more, long before the end: the rest of the training was for nothing.",
        knobs=(
            "Train for a shorter time; the learning rate must then fall sooner, too.",
            "Or use the time: a larger network, or more data.",
        ),
    ),
    "too_noisy": Explanation(
        means="The validation loss jumps about by more than it gained, so nothing can be read from it.",
        knobs=(
            "Validate on more examples, and always on the same ones.",
            "Take the mean of several trainings with other seeds.",
            "Take a larger batch.",
        ),
    ),
    "balanced": Explanation(means="The loss fell fast and stayed level to the end: the knobs are in balance, and there is nothing to mend."),
}
"""Kind of clue → what it means and what helps, in the method's order: what costs least comes first (METHOD, section 3b)."""


def explanation_of(kind: str) -> Explanation:
    """What a kind of clue means; without words for a kind that is not known here.

    Example:
        >>> explanation_of("underfitting").knobs[1]
        'Raise the learning rate.'
    """
    return EXPLANATIONS.get(kind, Explanation(means=""))
