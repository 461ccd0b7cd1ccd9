"""Runs whose right verdict is known by construction, and how well a reading of one curve finds it."""
