"""The only door to Ray: launches sweeps, trains packs, tests and compares networks."""
