"""Masks and Dale's law: idempotent, and the nearest allowed weights."""

import pytest
import torch

from popnet.core.constraints import project


def allowed(params, w):
    good = torch.ones_like(w, dtype=torch.bool)
    if params.mask_PNN is not None:
        good &= (w == 0) | (params.mask_PNN == 1)
    if params.sign_PN is not None:
        good &= w * params.sign_PN[:, None, :] >= 0
    return bool(good.all())


@pytest.fixture(params=["mask", "sign", "both"])
def constrained(request, random_params, normal):
    params = random_params()
    if request.param != "sign":
        params = params._replace(mask_PNN=(normal(3, 6, 6) > 0).double())
    if request.param != "mask":
        params = params._replace(sign_PN=normal(3, 6).sign())
    return params


def test_projection_gives_allowed_weights_and_is_idempotent(constrained):
    once = project(constrained)
    assert not allowed(constrained, constrained.w_PNN)
    assert allowed(constrained, once.w_PNN)
    assert torch.equal(project(once).w_PNN, once.w_PNN)


def test_projection_is_the_nearest(constrained, normal):
    # onto a convex set, the nearest point y of w is the one with
    # <w - y, v - y> <= 0 for every allowed v
    y = project(constrained).w_PNN
    for _ in range(50):
        v = project(constrained._replace(w_PNN=3 * normal(3, 6, 6))).w_PNN
        inner = ((constrained.w_PNN - y) * (v - y)).sum((1, 2))
        assert bool((inner <= 1e-12).all())


def test_allowed_weights_are_left_alone(constrained):
    y = project(constrained).w_PNN
    same = torch.where(y != 0, constrained.w_PNN == y, True)
    assert bool(same.all())


def test_columns_not_rows_have_a_sign(random_params):
    params = random_params(networks=1)
    sign = torch.tensor([[1.0, 1, 1, -1, -1, -1]], dtype=torch.float64)
    w = project(params._replace(sign_PN=sign)).w_PNN[0]
    assert bool((w[:, :3] >= 0).all()) and bool((w[:, 3:] <= 0).all())
    assert bool((w[:, :3] > 0).any()) and bool((w[:, 3:] < 0).any())


def test_without_constraints_nothing_changes(random_params):
    params = random_params()
    assert project(params).w_PNN is params.w_PNN
