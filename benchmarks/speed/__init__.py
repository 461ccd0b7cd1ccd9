"""What tunesmith costs in seconds and bytes, beside a bare loop, its peers and bare storage. One file a measurement; `python -m benchmarks.speed` runs them."""
