"""The stages of recipe `report`, one file each, and the sweeps of both recipes. Each takes laboratory and settings, and gives settings and findings."""
