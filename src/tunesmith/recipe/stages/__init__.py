"""The stages of recipe `report`, one file each: what to run, how to decide. Each takes the laboratory and settings, and gives settings and findings."""
