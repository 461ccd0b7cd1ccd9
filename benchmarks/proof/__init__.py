"""The proof bench: what a plan costs and what it is worth, beside every peer. `python -m benchmarks.proof --help`."""
