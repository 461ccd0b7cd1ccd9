"""The ablation of recipe `ladder`: what each of its parts is worth. `python -m benchmarks.ablation --help`."""
