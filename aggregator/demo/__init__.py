"""The demonstration: the whole program on sample feeds served from this machine, without a network."""
