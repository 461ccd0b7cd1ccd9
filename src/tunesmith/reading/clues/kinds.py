"""What a reading may conclude, each with the one rule that tells it from its neighbours."""

KINDS: dict[str, str] = {
    "diverged": "The loss is not finite, or was lost for good: it ends about where it began, or higher. (In part, or for a time: unstable.)",
    "too_noisy": "One evaluation is off by about as much as the whole training gained, so no shape shows. (Gained nothing at all: never_started.)",
    "oscillating": "The loss turns four times or more, up as slowly as down. (Up at once: unstable.)",
    "unstable": "The loss jumped after it had settled, or flies above its start again and again. (Slowly, and only the validation loss: overfitting.)",
    "early_overfitting_hump": "The validation loss rose slowly while the training loss fell, and came down again as far or farther. (Stays up: overfitting.)",
    "overfitting": "The validation loss ends above its best while the training loss does not. (The training loss rose too: unstable or weight_decay_high.)",
    "weight_decay_high": "The training loss itself turned up slowly in the first half, and both losses stayed up. (At once: unstable.)",
    "never_started": "Neither loss fell by more than its noise, or by a fiftieth of where it began. (Fell steadily: underfitting.)",
    "metrics_disagree": "The validation loss got worse while the metric got better. (The training loss fell on: overfitting comes first.)",
    "plateaued": "Level from the first two fifths on, or through a drop of the rate that changed nothing. (Later: balanced.)",
    "weight_decay_low": "The training loss is at nothing, the validation loss far above it. (It turned up as well: overfitting comes first.)",
    "underfitting": "Less was learnt than could be: the loss fell steadily to an annealed end, or ended high, or training ended above the validation loss. "
    "(The schedule is not over: unfinished.)",
    "unfinished": "The schedule was cut, or the loss still falls at the end and no annealing is known. (Although the rate came down: underfitting.)",
    "balanced": "The loss fell and did not turn up: nothing needs mending, as far as it shows. (None of the other kinds is found.)",
}
"""Kind → rule. Of several clues the first nine come in this order, those that are confident before the others; then the rest, the surest first.

The first of all is the verdict.
"""
