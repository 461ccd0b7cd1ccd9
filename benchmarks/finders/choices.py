"""What the bench of finders compares if nobody says otherwise."""

from pathlib import Path

OUR_METHODS_FOLDER = Path(__file__).parent / "methods"
TASKS = ("mnist_lenet", "cifar_resnet", "shakespeare_transformer", "digits_finetune")
METHODS = ("lr_range", "in_script_exponential", "in_script_linear", "torch_lr_finder", "fastai_lr_find", "lightning_lr_find", "untuned")
N_SEEDS = 5
