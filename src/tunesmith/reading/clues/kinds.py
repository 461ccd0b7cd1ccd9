"""What a reading may conclude, each with the one rule that tells it from its neighbours."""

KINDS: dict[str, str] = {
    "diverged": "The loss was lost: not finite, or above where it began, and it did not come back.",
    "unstable": "Training and validation loss jumped together.",
    "oscillating": "The loss swings, again and again, by more than its noise.",
    "never_started": "The loss did not fall.",
    "overfitting": "The validation loss turned up while the training loss fell.",
    "weight_decay_low": "Overfitting, and the training loss is at next to nothing: nothing holds the weights back.",
    "metrics_disagree": "The loss rises while the metric gets better.",
    "early_overfitting_hump": "The validation loss turned up early while the training loss fell, and came down again.",
    "weight_decay_high": "The training loss itself turned up slowly, or stopped high where the learning rate is high, and the validation loss is no higher.",
    "underfitting": "Both losses are still high and together, with little gained and no gap.",
    "unfinished": "The loss still falls where the run ends.",
    "plateaued": "The loss is level long before the end.",
    "too_noisy": "The noise of the validation loss is larger than what it gained.",
    "balanced": "Fell fast, then level to the end, without a rise.",
}
"""Kind → rule, in the order in which they matter."""
