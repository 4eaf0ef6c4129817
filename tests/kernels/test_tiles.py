"""Products in registers against NumPy, and bit for bit against one order of sums."""

import re

import numba
import numpy as np
import pytest
from llvmlite import binding

from popnet.kernels.compiling import EXACT
from popnet.kernels.tiles import (
    ROWS,
    STRIP,
    VECTOR,
    aligned,
    multiply,
    multiply_row,
    multiply_transposed,
    padded,
)

FEATURES = binding.get_host_cpu_features()
DTYPES = [np.float32, np.float64]
FIRST = 3
"""The first column that ``multiply_transposed`` is asked for."""


def given(rows, inner, width, dtype, seed=0):
    """C, A, B with more rows and columns than are asked for, all of them numbers."""
    random = np.random.default_rng(seed)
    c, a = aligned(rows + 2, width, dtype=dtype), aligned(rows, inner + 5, dtype=dtype)
    b = aligned(inner + 3, width, dtype=dtype)
    for array in (c, a, b):
        array[:] = random.standard_normal(array.shape)
    return c, a, b


def transposed(a, inner):
    """A as ``multiply_transposed`` takes it: other columns stand before its own."""
    turned = aligned(inner, FIRST + len(a), dtype=a.dtype.type)
    turned[:, FIRST:] = a[:, :inner].T
    turned[:, :FIRST] = np.nan
    return turned


def by_rows(c, a, b, rows, inner):
    for row in range(rows):
        multiply_row(c[row], a[row], b, inner)


def by_columns(c, a, b, rows, inner):
    multiply_transposed(c, transposed(a, inner), FIRST, b, rows, inner)


PRODUCTS = [multiply, by_columns, by_rows]
LANES = VECTOR // 4
SHAPES = [
    (rows, inner, width)
    for rows in [*range(1, 2 * ROWS + 5), 40]
    for inner, width in [(1, 16), (7, 32), (33, 48)]
] + [
    (5, 0, 16), (ROWS, 64, 2 * STRIP * LANES), (ROWS + 1, 50, STRIP * LANES + 16),
    (3, 300, 208), (1, 203, 400),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_products_are_those_of_numpy_and_write_no_other_row(product, dtype):
    for rows, inner, width in SHAPES:
        c, a, b = given(rows, inner, width, dtype)
        left, right = a[:, :inner].astype(float), b[:inner].astype(float)
        expected = c[:rows] + left @ right
        # each of ``inner`` fused operations rounds once
        size = abs(c[:rows]) + abs(left) @ abs(right)
        bound = (inner + 1) * np.finfo(dtype).eps / 2 * size
        beyond, kept = c[rows:].copy(), (a.copy(), b.copy())
        product(c, a, b, rows, inner)
        assert (abs(c[:rows] - expected) <= bound).all(), (rows, inner, width)
        assert np.array_equal(c[rows:], beyond), (rows, inner, width)
        assert np.array_equal(a, kept[0]) and np.array_equal(b, kept[1])


def fused_in_order(c, a, b):
    """C + A B in float32 by fused multiply-adds, k in order.

    In extended precision a product is exact; the sum is rounded twice, which changes
    one result in 2^40.
    """
    total = c.copy()
    for k in range(len(b)):
        wide = np.multiply.outer(a[:, k].astype(np.longdouble), b[k])
        total = (total + wide).astype(np.float32)
    return total


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="no extended precision")
@pytest.mark.parametrize("product", PRODUCTS)
def test_each_element_is_one_sum_of_fused_multiply_adds_in_order(product):
    for rows, inner, width in SHAPES:
        c, a, b = given(rows, inner, width, np.float32)
        expected = fused_in_order(c[:rows], a[:, :inner], b[:inner])
        product(c, a, b, rows, inner)
        assert np.array_equal(c[:rows], expected), (rows, inner, width)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_is_the_same_whatever_stands_beside_it(dtype):
    most, inner, width = 2 * ROWS + 5, 37, 16 * 5
    c, a, b = given(most, inner, width, dtype)
    alone = c.copy()
    by_rows(alone, a, b, most, inner)
    for rows in range(1, most + 1):
        for first in (0, most - rows):
            for product in (multiply, by_columns):
                crowd = c[first : first + rows].copy()
                product(crowd, a[first : first + rows], b, rows, inner)
                assert np.array_equal(crowd, alone[first : first + rows]), rows
    narrow, some = aligned(most, 16, dtype=dtype), aligned(inner, 16, dtype=dtype)
    narrow[:], some[:] = c[:most, 32:48], b[:inner, 32:48]
    multiply(narrow, a, some, most, inner)
    assert np.array_equal(narrow, alone[:most, 32:48]), "fewer columns"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("product", PRODUCTS)
def test_what_is_no_number_stays_in_its_row_or_column(product, value):
    rows, inner, width = ROWS + 3, 20, 48
    c, a, b = given(rows, inner, width, np.float32)
    clean = c.copy()
    product(clean, a, b, rows, inner)
    a[:, inner:], b[inner:] = value, value  # beyond what is asked for: not read
    dirty = c.copy()
    product(dirty, a, b, rows, inner)
    assert np.array_equal(dirty, clean)
    a[4, 7] = value
    dirty = c.copy()
    product(dirty, a, b, rows, inner)
    assert not np.isfinite(dirty[4]).any()
    assert np.array_equal(np.delete(dirty, 4, 0), np.delete(clean, 4, 0))
    a[4, 7], b[9, 21] = 1, value
    dirty = c.copy()
    product(dirty, a, b, rows, inner)
    assert not np.isfinite(dirty[:rows, 21]).any()
    others = np.delete(np.delete(dirty, 21, 1), 4, 0)
    assert np.array_equal(others, np.delete(np.delete(clean, 21, 1), 4, 0))


def test_rows_are_padded_to_whole_lines_and_begin_on_one():
    assert [padded(n) for n in (1, 15, 16, 17, 200)] == [16, 16, 16, 32, 208]
    assert [padded(n, np.float64) for n in (1, 8, 9, 200)] == [8, 8, 16, 200]
    for dtype in DTYPES:
        for shape in [(3,), (5, 16), (2, 3, 16)]:
            array = aligned(*shape, dtype=dtype)
            assert array.shape == shape and array.dtype == dtype and not array.any()
            assert array.ctypes.data % 64 == 0 and array.flags.c_contiguous


@pytest.mark.skipif(not FEATURES.get("fma"), reason="a CPU without vectors of x86")
@pytest.mark.parametrize("product", [multiply, multiply_row])
def test_tiles_are_whole_vectors_fused_in_registers(product):
    fresh = numba.njit(fastmath=EXACT)(product.py_func)
    c, a, b = given(4, 8, 32, np.float32)
    if product is multiply:
        fresh(c, a, b, 4, 8)
    else:
        fresh(c[0], a[0], b, 8)
    assembly = fresh.inspect_asm(fresh.signatures[0])
    register = "zmm" if FEATURES.get("avx512f") else "ymm"
    fused = re.findall(rf"vfmadd\d+ps\s.*%{register}", assembly)
    shapes = ROWS * 3 if product is multiply else STRIP
    assert len(fused) > shapes
    assert not re.search(r"vfmadd\d+ss|\bfmaf\b", assembly), "one number at a time"
