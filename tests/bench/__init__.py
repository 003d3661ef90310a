"""Measurements, run by `make bench`: each beside a named peer in the same run. Nothing here fails for being slow."""
