"""A study of another package: its sweep, tables, claims and figure."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from popnet.studies import Claim, Judgement, Study
from popnet.studies.evidence import above


class Tables(NamedTuple):
    """What claims and the figure read."""

    accuracy: pd.DataFrame
    """By network, a column for each level."""
    likeness: pd.Series


def read(run):
    """The accuracy of each network at each level, and the likeness of each pair."""
    tests = run.evaluations()
    tests = tests[tests["name"] == "input_loss"]
    pairs = run.comparisons()
    pairs = pairs[pairs["metric"] == "spectral_likeness"]
    return Tables(
        tests.pivot(index="key", columns="level", values="accuracy"), pairs["value"]
    )


def refuse(loaded):
    """Networks without an input have to be tested."""
    names = [p.name for p in loaded.sweep.after.perturb]
    return None if "input_loss" in names else "no input is lost; give input_loss"


def loss_costs(tables, smallest):
    """Is the accuracy higher with the input than without it?"""
    drop = above(tables.accuracy[0.0] - tables.accuracy[1.0], smallest)
    return Judgement(drop.effect, "share correct", drop)


def spectra_alike(tables, smallest):
    """Are the spectra of different networks alike?"""
    likeness = above(tables.likeness, smallest, none=smallest)
    return Judgement(likeness.effect, "cosine", likeness)


def loss(tables):
    """Accuracy against the share of input that is lost, a line for each network."""
    from matplotlib.figure import Figure

    from popnet.report.sections import Drawing, Section

    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot(tables.accuracy.columns, tables.accuracy.T, "o-")
    axes.set(xlabel="share of input lost", ylabel="share correct")
    drawing = Drawing("loss", figure, "Loss of input.", "Each line is a network.")
    return Section("loss", "Loss of input", drawings=[drawing])


STUDY = Study(
    reference="a test of popnet",
    summary="does a readout of a fixed network solve the antisaccade task?",
    scales={"quick": Path(__file__).with_name("quick.yaml")},
    refuse=refuse,
    tables=read,
    claims=(
        Claim(
            "loss_costs", "The answer needs the stimulus.",
            "accuracy with the input less that without it", "loss", 0.05,
            "share correct", loss_costs,
        ),
        Claim(
            "spectra_alike", "Networks of one size have like spectra.",
            "mean likeness of pairs", "loss", 0.9, "cosine", spectra_alike,
        ),
    ),
    sections=lambda: {"loss": loss},
    lead=lambda tables: f"{len(tables.accuracy)} networks lose their input.",
)  # fmt: skip
