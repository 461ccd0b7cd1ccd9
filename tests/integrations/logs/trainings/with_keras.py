"""Train with Keras on torch, twice: `keras.csv` is its CSVLogger's, appended to by the second training; `history.json` and `recorded.json` are the first's."""

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"  # before it is imported

import keras
import numpy as np


def main() -> None:
    """Train six epochs, and six more from the start."""
    out = Path(sys.argv[1])
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    for name in ("recorded.json", "again.json"):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])
        callbacks = [
            keras.callbacks.LearningRateScheduler(lambda _epoch, lr: 0.8 * lr),
            keras.callbacks.CSVLogger(str(out / "keras.csv"), append=True),
        ]  # in this order: the scheduler adds a column
        history = model.fit(inputs, inputs.sum(1), validation_split=0.25, epochs=6, verbose=0, callbacks=callbacks)
        (out / name).write_text(json.dumps(history.history))
    (out / "history.json").write_bytes((out / "recorded.json").read_bytes())


if __name__ == "__main__":
    main()
