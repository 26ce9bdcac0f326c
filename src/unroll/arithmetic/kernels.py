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

from unroll.arithmetic.threads import cut, share, use

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
    use(threads)


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
    yield "dot", _dot
    yield "vdot", _dot
    for name, function in FUNCTIONS.items():
        yield from _elementwise(name, function)


# Products.


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    result = a.new_empty(*a.shape[:-1], *b.shape[-1:]) if b.dim() > 1 else a.new_empty(a.shape[:-1])
    return _matmul_out(a, b, out=result)


def _matmul_out(a: Tensor, b: Tensor, *, out: Tensor) -> Tensor:
    shape = (*a.shape[:-1], *(b.shape[-1:] if b.dim() > 1 else ()))
    if out.shape != shape:
        out.resize_(shape)
    if out.dtype in (torch.bfloat16, torch.float16):  # numpy has no bfloat16; sums of 32 bits are what autocast means
        return out.copy_(_matmul(a.float(), b.float()))
    _multiply(_matrix(a), _matrix(b), out.detach().numpy())
    return out


def _addmm(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add(_matmul(a, b), c, beta, alpha)


def _addmm_(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if beta == 1 and alpha == 1:
        return c.add_(_matmul(a, b))
    return c.copy_(_addmm(c, a, b, beta=beta, alpha=alpha))


def _addmm_out(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor) -> Tensor:
    result = _addmm(c, a, b, beta=beta, alpha=alpha)
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)


def _add(product: Tensor, c: Tensor, beta: float, alpha: float) -> Tensor:
    """Return alpha * product + beta * c in the memory of the product. Without beta, c may hold NaN."""
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(c, alpha=beta) if beta else product


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.tensor(np.dot(_matrix(a), _matrix(b)), dtype=a.dtype)


def _matrix(tensor: Tensor) -> Array:
    """Return the array of a tensor, with strides that BLAS can read."""
    if tensor.dim() > 1 and 1 not in tensor.stride()[-2:]:
        tensor = tensor.contiguous()
    return tensor.detach().numpy()


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
        if out.dtype in (torch.bfloat16, torch.float16):
            return out.copy_(compute(x.float()))
        with np.errstate(all="ignore"):  # as in torch, log 0 is -inf and the root of -1 is NaN
            function(x.detach().to(out.dtype).numpy(), out=out.detach().numpy())
        return out

    def compute(x: Tensor) -> Tensor:
        return compute_out(x, out=torch.empty_like(x, dtype=None if x.is_floating_point() else torch.float32))

    def compute_(x: Tensor) -> Tensor:
        return compute_out(x, out=x)

    yield name, compute
    yield f"{name}_", compute_
    yield f"{name}.out", compute_out
