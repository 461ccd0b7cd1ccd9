"""A small convolutional network on 1,797 handwritten digits (8x8) that ship inside tunesmith: the task of `tunesmith demo`.

    tunesmith tune examples/digits_cnn.py:task --out runs/digits_cnn

One full training takes about three seconds on one core. The task is written out in `src/tunesmith/demo_task.py`; nothing has to be downloaded.
"""

from tunesmith.demo_task import task

__all__ = ["task"]
