"""Launches sweeps with Ray, which no other package imports."""
