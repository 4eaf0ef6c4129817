"""Matrix products in registers: what the kernels of the CPU are built of.

A tile of C, some rows by some vectors, stays in registers while k runs:

    C[m, n] += sum_k A[m, k] B[k, n]

by fused multiply-adds, k in order.  So an element's sum does not depend on how many
rows or columns stand beside it: a trial is the same in any batch, bit for bit on CPUs
of one instruction set.  Rows of B and C are whole vectors of 64 bytes (``padded``
numbers long), those of A are not read beyond ``inner``.  For matrices of a few hundred
units, whose panels stay in the caches, this is faster than a call of BLAS; the
technique is that of Goto & van de Geijn, ACM TOMS 2008;34:12.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from popnet.kernels.compiling import compiled

LINE = 64
"""Bytes of a cache line, and of the vectors that rows are padded to."""
_WIDE = "avx512f" in binding.get_host_cpu_features()
VECTOR = 64 if _WIDE else 32
"""Bytes of a register."""
ROWS, PAIR = (8, 2) if _WIDE else (6, 2)
"""The tile of a product: 16 of 32 registers with AVX-512, 12 of 16 with AVX2."""
STRIP = 16 if _WIDE else 12
"""Vectors of the tile of a single row."""


def padded(numbers: int, dtype: type[np.generic] = np.float32) -> int:
    """The length of a row of so many numbers, in whole lines."""
    each = LINE // np.dtype(dtype).itemsize
    return -(-numbers // each) * each


def aligned(*shape: int, dtype: type[np.generic] = np.float32) -> NDArray[Any]:
    """Zeros that begin on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE, np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first : first + size].view(dtype).reshape(shape)


def _typed_tile(
    typing: Any,
    c: Any, c_at: Any, c_row: Any,
    a: Any, a_at: Any, a_row: Any, a_k: Any,
    b: Any, b_at: Any, b_k: Any,
    inner: Any, rows: Any, vectors: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """One tile, from element ``c_at`` of C on; strides in numbers.

    ``rows`` x ``vectors`` is at most ROWS x PAIR, or 1 x STRIP.
    """
    places = [types.intp] * 2
    signature = types.void(
        c, *places, a, types.intp, *places, b, *places, *[types.intp] * 3
    )
    return signature, _emit_tile


_tile: Any = intrinsic(_typed_tile)


def _emit_tile(context: Any, build: ir.IRBuilder, signature: Any, args: Any) -> Any:
    """A switch over the shapes of a tile, each with a loop of its own."""
    c, c_at, c_row, a, a_at, a_row, a_k, b, b_at, b_k, inner, rows, vectors = args

    def start(array: Any, kind: Any, offset: Any) -> Any:
        data = context.make_array(kind)(context, build, array).data
        return build.gep(data, [offset])

    kinds = signature.args
    pointers = (start(c, kinds[0], c_at), start(a, kinds[3], a_at),
                start(b, kinds[7], b_at))  # fmt: skip
    bits = kinds[0].dtype.bitwidth
    strides = (c_row, a_row, a_k, b_k, inner)
    shapes = [(m, n) for m in range(1, ROWS + 1) for n in range(1, PAIR + 1)]
    shapes += [(1, n) for n in range(PAIR + 1, STRIP + 1)]
    whole = inner.type
    number = build.add(build.mul(rows, whole(256)), vectors)
    done = build.append_basic_block("done")
    choice = build.switch(number, done)
    for m, n in shapes:
        block = build.append_basic_block(f"tile{m}x{n}")
        choice.add_case(whole(256 * m + n), block)
        build.position_at_end(block)
        _emit_shape(build, bits, pointers, strides, m, n)
        build.branch(done)
    build.position_at_end(done)
    return context.get_dummy_value()


def _emit_shape(
    build: ir.IRBuilder, bits: int, pointers: Any, strides: Any, m: int, n: int
) -> None:
    """The loop over k of a tile of m rows and n vectors."""
    c, a, b = pointers
    c_row, a_row, a_k, b_k, inner = strides
    number = ir.FloatType() if bits == 32 else ir.DoubleType()
    lanes = VECTOR * 8 // bits
    vector, whole = ir.VectorType(number, lanes), inner.type
    fma = cgutils.get_or_insert_function(
        build.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{lanes}f{bits}"
    )

    def vectors(first: Any) -> list[Any]:
        at = [build.gep(first, [whole(i * lanes)]) for i in range(n)]
        return [build.bitcast(p, vector.as_pointer()) for p in at]

    def all_lanes(value: Any) -> Any:
        none = ir.Constant(vector, ir.Undefined)
        first = build.insert_element(none, value, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return build.shuffle_vector(first, none, zeros)

    into = [vectors(build.gep(c, [build.mul(c_row, whole(i))])) for i in range(m)]
    before = [[build.load(p, align=4) for p in row] for row in into]
    places = [build.mul(a_row, whole(i)) for i in range(m)]
    entry, head = build.block, build.append_basic_block("head")
    body, end = build.append_basic_block("body"), build.append_basic_block("end")
    build.branch(head)

    build.position_at_end(head)
    k = build.phi(whole)
    k.add_incoming(whole(0), entry)
    sums = [[build.phi(vector) for _ in range(n)] for _ in range(m)]
    for i in range(m):
        for j in range(n):
            sums[i][j].add_incoming(before[i][j], entry)
    build.cbranch(build.icmp_signed("<", k, inner), body, end)

    build.position_at_end(body)
    row_b = [build.load(p, align=4) for p in vectors(build.gep(b, [build.mul(k, b_k)]))]
    column_a = build.gep(a, [build.mul(k, a_k)])
    for i in range(m):
        value = all_lanes(build.load(build.gep(column_a, [places[i]])))
        for j in range(n):
            new = build.call(fma, [value, row_b[j], sums[i][j]])
            sums[i][j].add_incoming(new, body)
    k.add_incoming(build.add(k, whole(1)), body)
    build.branch(head)

    build.position_at_end(end)
    for i in range(m):
        for j in range(n):
            build.store(sums[i][j], into[i][j], align=4)


@compiled
def multiply(c: Any, a: Any, b: Any, rows: int, inner: int) -> None:
    """C[:rows] += A[:rows, :inner] B[:inner]."""
    lanes = VECTOR // c.itemsize
    vectors = c.shape[1] // lanes
    for j in range(0, vectors, PAIR):
        at = j * lanes
        for m in range(0, rows, ROWS):
            _tile(
                c, m * c.shape[1] + at, c.shape[1],
                a, m * a.shape[1], a.shape[1], 1,
                b, at, b.shape[1],
                inner, min(ROWS, rows - m), min(PAIR, vectors - j),
            )  # fmt: skip


@compiled
def multiply_transposed(
    c: Any, a: Any, first: int, b: Any, rows: int, inner: int
) -> None:
    """C[:rows] += A[:inner, first : first + rows]' B[:inner]."""
    lanes = VECTOR // c.itemsize
    vectors = c.shape[1] // lanes
    for j in range(0, vectors, PAIR):
        at = j * lanes
        for m in range(0, rows, ROWS):
            _tile(
                c, m * c.shape[1] + at, c.shape[1],
                a, first + m, 1, a.shape[1],
                b, at, b.shape[1],
                inner, min(ROWS, rows - m), min(PAIR, vectors - j),
            )  # fmt: skip


@compiled
def multiply_row(c: Any, a: Any, b: Any, inner: int) -> None:
    """c += a[:inner] B[:inner], for one row: the rows of B pass by once."""
    lanes = VECTOR // c.itemsize
    vectors = c.shape[0] // lanes
    for j in range(0, vectors, STRIP):
        _tile(
            c, j * lanes, 0, a, 0, 0, 1, b, j * lanes, b.shape[1],
            inner, 1, min(STRIP, vectors - j),
        )  # fmt: skip
