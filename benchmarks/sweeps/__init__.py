"""How well a range test is read: made-up sweeps with a known edge, our reading and the peers' rules side by side."""
