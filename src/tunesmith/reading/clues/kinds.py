"""What a reading may conclude, each with the one rule that tells it from its neighbours."""

KINDS: dict[str, str] = {
    "diverged": "The loss is not finite, or was lost for good: it ends about where it began, or higher. (In part, or for a time: unstable.)",
    "too_noisy": "One evaluation is off by about as much as the whole training gained, so no shape can be seen. (Gained nothing at all: never_started.)",
    "oscillating": "The loss swings four times or more, up as slowly as down. (Up at once: unstable.)",
    "unstable": "Training and validation loss jump together after they had settled. (Only the validation loss rises, slowly: overfitting.)",
    "early_overfitting_hump": "The validation loss rose slowly while the training loss fell, and later came down to where it had been or lower. "
    "(Stays up: overfitting.)",
    "overfitting": "The validation loss ends above its best while the training loss fell on. (The training loss rose too: unstable or weight_decay_high.)",
    "weight_decay_high": "The training loss itself turned up slowly in the first half and stayed up, with the validation loss. (At once: unstable.)",
    "never_started": "Neither loss fell by more than its noise, or by more than a fiftieth. (Fell steadily: underfitting.)",
    "metrics_disagree": "The validation loss ends above its best while the metric went on getting better, and the training loss did not fall on. "
    "(It fell on: overfitting, and this beside it.)",
    "underfitting": "Half of the way still brought a fifth of the gain although the learning rate came down, or both losses end high and together, "
    "or the training loss above the validation loss. (The schedule is not over: unfinished.)",
    "plateaued": "Level from the first two fifths of the run on, or through a drop of the learning rate that changed nothing. (Level later: balanced.)",
    "weight_decay_low": "The training loss is at nothing, the validation loss far above it, without having turned up. (Turned up: overfitting.)",
    "unfinished": "The schedule was cut, or the loss still falls at the end and no annealing is known. (It falls although the rate came down: underfitting.)",
    "balanced": "Fell fast, level towards the end, without a rise: nothing to mend.",
}
"""Kind → rule, in the order in which they decide: of several clues that a run shows, the first of these is its verdict."""
