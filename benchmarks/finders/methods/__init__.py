"""Our finders, one file each, as `benchmarks/methods` has them; the peers' are taken from there. Only the learning rate of what they choose is used."""
