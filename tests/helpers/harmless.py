"""Sweeps that are right, to be made wrong."""

SWEEP = """\
name: tiny
seed: 3
networks: 2
network: {units: 12, dt_s: 0.01, tau_s: {mean: 0.05}}
task: {name: dnms}
rule: {name: reward_hebbian, wait_trials: 5}
train: {trials: 40, until: null}
"""
LINEAR = SWEEP.replace("{units: 12,", "{readout: {kind: linear}, units: 12,")
