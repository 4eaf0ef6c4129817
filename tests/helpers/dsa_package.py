"""The package dsa-metric, 2.0: what popnet's metrics of dynamics are held against.

Only the files that are needed are imported.  Its ``__init__`` imports everything, with
pydmd, pykoopman and more.
"""

import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch


def part(name):
    """A module of the package, without what the package imports by itself."""
    if "DSA" not in sys.modules:
        spec = find_spec("DSA")
        made = ModuleType("DSA")
        made.__path__ = [str(Path(spec.origin).parent)]
        sys.modules["DSA"] = made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(f"DSA.{name}")


def operator(rates_BTN, delays, rank):
    """The operator of its dynamic mode decomposition."""
    fit = part("dmd").DMD(rates_BTN, n_delays=delays, rank=rank, lamb=0)
    fit.fit()
    return fit.A_v.numpy().astype(np.float64)


def distance(a_nn, b_nn, iterations=1500, seed=0):
    """||A - C B C'|| of operators of norm 1, by one of its searches."""
    torch.manual_seed(seed)
    search = part("simdist").SimilarityTransformDist(
        iters=iterations, score_method="euclidean", lr=5e-3
    )
    a, b = (torch.from_numpy(x).float() for x in (a_nn, b_nn))
    search.fit(a.clone(), b.clone())
    c_nn = search.C_star.numpy().astype(np.float64)
    return np.linalg.norm(a_nn - c_nn @ b_nn @ c_nn.T)


def eigenvalue_cost(a_nn, b_nn):
    """Its optimal transport between eigenvalues, with squared distances."""
    search = part("simdist").SimilarityTransformDist(score_method="wasserstein")
    search.fit(torch.from_numpy(a_nn), torch.from_numpy(b_nn))
    return float(search.score_star)


def input_scores(a1, b1, a2, b2, controllability=None):
    """Its joint, state and input scores; with the given K instead of its own.

    Its own K holds powers of A' too, and its joint score turns K_2 the wrong way.
    """
    module = part("simdist_controllability")
    compared = module.ControllabilitySimilarityTransformDist(
        compare="joint", return_distance_components=True
    )
    if controllability is not None:
        compared.get_controllability_matrix = controllability
    return compared.fit_score(a1, a2, b1, b2)


def subspace_operator(rates_BTN, input_BTI, delays, rank):
    """A by its subspace identification, from outputs and inputs."""
    fit = part("subspace_dmdc").SubspaceDMDc(
        rates_BTN, input_BTI, n_delays=delays, rank=rank
    )
    fit.fit()
    return np.asarray(fit.A_v)


def scores(a_nn, b_nn, c_nn):
    """Its angle and its distance of two operators under a given rotation."""
    search = part("simdist").SimilarityTransformDist(device="cpu")
    search.C_star = torch.from_numpy(c_nn).float()
    return [float(search.score(a_nn, b_nn, of)) for of in ("angular", "euclidean")]
