"""The ground floor: values and `now` in, values out. No network, disk, database, clock or randomness."""
