"""What tunesmith costs and what it is worth, measured beside its peers. Outside the package; see README.md."""
