"""CPU kernels of torch that give the same bits on every x86-64 processor with AVX2, for any number of threads.

torch computes products, square roots, exponentials and logarithms by MKL, which takes another path for each vendor, and
rounds by approximations that differ between vendors. Here numpy computes them, with kernels that the environment pins
(`unroll.arithmetic.pins`). A product is cut into blocks by its shape alone, and the threads share the blocks.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.arithmetic.threads import cut, share, start_sharing

Array = NDArray[Any]
BLOCK = 1 << 23
"""The minimum number of multiplications of a block."""
WIDTH = 256
"""The minimum number of rows, or columns, of a block. Narrow blocks would pack the other matrix too often."""

FUNCTIONS = {"sqrt": np.sqrt, "exp": np.exp, "log": np.log, "log2": np.log2}
OTHER_FUNCTIONS = (
    *("acos", "asin", "atan", "cos", "cosh", "erf", "erfc", "erfinv", "expm1", "lgamma", "log10", "log1p"),
    *("sin", "sinh", "tan", "tanh"),
)
"""Functions that MKL may still compute. Its first call of a function is not thread-safe (pytorch issue 188792)."""


def register(threads: int) -> None:
    """Replace the kernels, call MKL's remaining functions once on one element, and share work between threads.

    Args:
        threads: The number of threads.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning only once for all operators")  # that a kernel is replaced
        for name, kernel in _kernels():
            _library().impl(name, kernel, "CPU", allow_override=True)  # type: ignore[no-untyped-call]
    for name in OTHER_FUNCTIONS:
        for dtype in (torch.float32, torch.float64):
            getattr(torch, name)(torch.full((1,), 0.5, dtype=dtype))
    start_sharing(threads)


@cache
def _library() -> torch.library.Library:
    return torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]


def _kernels() -> Iterable[tuple[str, Callable[..., Any]]]:
    """Yield the name of each operator with its kernel."""
    for name in ("mm", "bmm"):
        yield name, _matmul
        yield f"{name}.out", _matmul_out
    for name in ("addmm", "baddbmm", "addmv"):
        yield name, _addmm
        yield f"{name}_", _addmm_
        yield f"{name}.out", _addmm_out
    yield "dot", partial(_dot, np.dot)
    yield "vdot", partial(_dot, np.vdot)
    for name, function in FUNCTIONS.items():
        yield from _elementwise(name, function)


# Products.

HALVES = (torch.bfloat16, torch.float16)
"""Types that are multiplied with 32 bits, and rounded once at the end. numpy has no bfloat16."""


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    return _matmul_out(a, b, out=a.new_empty(_shape(a, b)))


def _matmul_out(a: Tensor, b: Tensor, *, out: Tensor) -> Tensor:
    if out.shape != (shape := _shape(a, b)):
        out.resize_(shape)
    if a.dtype in HALVES:
        return out.copy_(_matmul(a.float(), b.float()))
    first, second, result = _matrix(a), _matrix(b), out.detach().numpy()
    if np.may_share_memory(result, first) or np.may_share_memory(result, second):
        return out.copy_(_matmul(a, b))
    _multiply(first, second, result)
    return out


def _shape(a: Tensor, b: Tensor) -> tuple[int, ...]:
    """Return the shape of a product, which numpy would also give to types and shapes that torch refuses."""
    if a.dtype != b.dtype:
        raise RuntimeError(f"a product needs one type of numbers, not {a.dtype} and {b.dtype}")
    if a.shape[-1] != b.shape[max(0, b.dim() - 2)] or a.shape[:-2] != b.shape[:-2]:
        raise RuntimeError(f"matrices of shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied")
    return (*a.shape[:-1], *(b.shape[-1:] if b.dim() > 1 else ()))


def _addmm(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if a.dtype in HALVES:
        return _addmm(c.float(), a.float(), b.float(), beta=beta, alpha=alpha).to(a.dtype)
    product = _matmul(a, b)
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(c, alpha=beta) if beta else product  # without beta, c may hold NaN


def _addmm_(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if beta == 1 and alpha == 1 and a.dtype not in HALVES:
        return c.add_(_matmul(a, b))
    return c.copy_(_addmm(c, a, b, beta=beta, alpha=alpha))


def _addmm_out(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor) -> Tensor:
    result = _addmm(c, a, b, beta=beta, alpha=alpha)
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)


def _dot(function: Callable[[Array, Array], Any], a: Tensor, b: Tensor) -> Tensor:
    if a.dtype in HALVES:
        return _dot(function, a.float(), b.float()).to(a.dtype)
    if a.dtype != b.dtype or a.shape != b.shape:
        raise RuntimeError(f"{a.numel()} numbers of {a.dtype} and {b.numel()} of {b.dtype} have no dot product")
    return torch.tensor(function(_matrix(a), _matrix(b)), dtype=a.dtype)


def _matrix(tensor: Tensor) -> Array:
    """Return the array of a tensor, with strides that BLAS can read."""
    if tensor.dim() > 1 and 1 not in tensor.stride()[-2:]:
        tensor = tensor.contiguous()
    return tensor.detach().resolve_conj().resolve_neg().numpy()


def _multiply(a: Array, b: Array, out: Array) -> None:
    """Compute out = a @ b. The longest of the batch, the rows and the columns is cut into blocks."""
    if b.ndim < 2 or out.size * a.shape[-1] < 2 * BLOCK:
        _multiply_block(a, b, out)
    elif a.ndim == 3:
        cuts = cut(len(a), BLOCK // (out[0].size * a.shape[-1]) + 1)
        share([partial(_multiply_block, a[part], b[part], out[part]) for part in cuts])
    else:
        rows, columns = out.shape
        cuts = cut(max(rows, columns), max(WIDTH, BLOCK // (a.shape[1] * min(rows, columns))))
        if rows >= columns:
            share([partial(_multiply_block, a[part], b, out[part]) for part in cuts])
        else:
            share([partial(_multiply_block, a, b[:, part], out[:, part]) for part in cuts])


def _multiply_block(a: Array, b: Array, out: Array) -> None:
    with np.errstate(all="ignore"):  # as in torch, an overflow gives inf
        np.matmul(a, b, out=out)


# Functions of each element.


def _elementwise(name: str, function: Any) -> Iterable[tuple[str, Callable[..., Tensor]]]:
    """Yield the three variants of an operator."""

    def compute_out(x: Tensor, *, out: Tensor) -> Tensor:
        if out.shape != x.shape:
            out.resize_(x.shape)
        if out.dtype in HALVES:
            return out.copy_(compute(x.float()))
        with np.errstate(all="ignore"):  # as in torch, log 0 is -inf and the root of -1 is NaN
            function(_matrix(x.to(out.dtype)), out=out.detach().numpy())
        return out

    def compute(x: Tensor) -> Tensor:
        kept = x.is_floating_point() or x.is_complex()
        return compute_out(x, out=torch.empty_like(x, dtype=None if kept else torch.float32))

    def compute_(x: Tensor) -> Tensor:
        return compute_out(x, out=x)

    yield name, compute
    yield f"{name}_", compute_
    yield f"{name}.out", compute_out
