"""The kernels agree with definitions and with numpy, and keep torch's conventions."""

import math
import os
import signal
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unroll.arithmetic.pins import count_threads, is_supported
from unroll.arithmetic.threads import cut, flush_denormals, is_portable, set_threads, share
from unroll.layers.recurrent import Recurrent
from unroll.params.layers import Cell

pytestmark = pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")

SHAPES = [(1, 1, 1), (3, 4, 5), (0, 4, 5), (3, 0, 5), (600, 130, 700), (40, 2000, 300), (2000, 40, 900)]
"""m, k and n; the last three products are cut into blocks."""


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def test_the_kernels_are_registered() -> None:
    assert is_portable()
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_products_agree_with_the_definition(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    m, k, n = shape
    a, b, c = numbers(m, k, dtype=dtype), numbers(k, n, dtype=dtype), numbers(m, n, dtype=dtype)
    expected = torch.from_numpy(np.einsum("mk,kn->mn", a.double().numpy(), b.double().numpy(), optimize=False))
    tolerance = {torch.float32: 1e-4, torch.float64: 1e-11, torch.bfloat16: 0.05}[dtype] * max(1, math.sqrt(k))
    assert torch.allclose((a @ b).double(), expected, atol=tolerance, rtol=tolerance)
    assert torch.allclose((b.T @ a.T).T.double(), expected, atol=tolerance, rtol=tolerance)
    wide = torch.empty(m, 2 * k, dtype=dtype)[:, ::2].copy_(a)  # strides that BLAS cannot read
    assert torch.equal(wide @ b, a @ b)
    both = 2 * c.double() + 3 * expected
    for result in (
        torch.addmm(c, a, b, beta=2, alpha=3),
        c.clone().addmm_(a, b, beta=2, alpha=3),
        torch.addmm(c, a, b, beta=2, alpha=3, out=torch.empty(0, dtype=dtype)),
    ):
        assert torch.allclose(result.double(), both, atol=3 * tolerance, rtol=3 * tolerance)


def test_without_beta_the_addend_is_not_read() -> None:
    a, b, nan = numbers(3, 4), numbers(4, 5), torch.full((3, 5), torch.nan, dtype=torch.float64)
    assert torch.equal(torch.addmm(nan, a, b, beta=0), a @ b)
    assert torch.equal(nan.clone().addmm_(a, b, beta=0), a @ b)


def test_batches_vectors_and_broadcasts() -> None:
    a, b, v = numbers(6, 20, 64), numbers(6, 64, 31), numbers(64)
    assert torch.allclose(a @ b, torch.from_numpy(np.einsum("bik,bkj->bij", a.numpy(), b.numpy())))
    assert torch.allclose(
        torch.baddbmm(torch.ones(1, 1, 31), a.float(), b.float()), 1 + a.float() @ b.float(), atol=1e-5
    )
    assert torch.allclose(a[0] @ v, (a[0] * v).sum(1))
    assert torch.allclose(torch.dot(v, v), (v * v).sum())
    assert torch.allclose(a.expand(2, 6, 20, 64) @ v, (a * v).sum(-1).expand(2, 6, 20))


@pytest.mark.parametrize("size", [(3, 4, 5), (300, 200, 700)])
def test_gradients_of_products(size: tuple[int, int, int]) -> None:
    m, k, n = size
    a, b, w = numbers(m, k).requires_grad_(), numbers(k, n).requires_grad_(), numbers(m, n)
    ((a @ b) * w).sum().backward()
    assert a.grad is not None
    assert b.grad is not None
    assert torch.allclose(a.grad, torch.einsum("mn,kn->mk", w, b.detach()))
    assert torch.allclose(b.grad, torch.einsum("mn,mk->kn", w, a.detach()))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (numbers(3, 4), numbers(5, 6)),
        (numbers(2, 3, 4), numbers(3, 4, 5)),
        (numbers(3, 4), numbers(4, 5, dtype=torch.float32)),
        (numbers(4), numbers(5)),
        (numbers(4), numbers(4, dtype=torch.float32)),
    ],
)
def test_wrong_shapes_and_types_are_refused_as_by_torch(a: Tensor, b: Tensor) -> None:
    with pytest.raises(RuntimeError):
        a @ b


@pytest.mark.parametrize("size", [5, 700])
def test_an_output_that_is_an_input_is_written_last(size: int) -> None:
    a, b = numbers(size, size), numbers(size, size)
    expected = a @ b
    assert torch.equal(torch.mm(a.clone(), b, out=torch.empty(size, size, dtype=a.dtype)), expected)
    for out in (first := a.clone(), second := b.clone()):
        torch.mm(first if out is first else a, second if out is second else b, out=out)
        assert torch.equal(out, expected)


def test_complex_numbers() -> None:
    c = torch.complex(numbers(6), numbers(6).flip(0))
    matrix = c[:, None] * c.conj()
    assert torch.allclose(torch.vdot(c, c), (c.conj() * c).sum())
    assert torch.allclose(torch.dot(c, c), (c * c).sum())
    assert torch.allclose(c.conj() @ c, (c.conj() * c).sum())
    assert torch.allclose(matrix.mH @ matrix, (matrix.conj().T[:, :, None] * matrix[None]).sum(1))
    assert torch.allclose(torch.exp(1j * torch.tensor([math.pi])), torch.tensor([-1 + 0j]), atol=1e-6)
    assert torch.allclose(torch.sqrt(torch.tensor([-1 + 0j])), torch.tensor([1j]))


def test_halves_are_rounded_once() -> None:
    a, b, c = (numbers(*shape, dtype=torch.bfloat16) for shape in ((5, 70), (70, 6), (6,)))
    exact = (a.float() @ b.float() + c.float()).to(torch.bfloat16)
    assert torch.equal(torch.addmm(c, a, b), exact)
    assert torch.equal(c.expand(5, 6).clone().addmm_(a, b), exact)
    assert torch.dot(c, c).dtype == torch.bfloat16


def test_whole_numbers_multiply_exactly() -> None:
    a = torch.arange(12).view(3, 4)
    assert torch.equal(a @ a.T, (a[:, None] * a).sum(-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "log2"])
def test_functions_agree_with_numpy_and_torch(name: str, dtype: torch.dtype) -> None:
    x = numbers(1001, dtype=dtype).abs()
    expected = torch.from_numpy(getattr(np, name)(x.double().numpy()))
    tolerance = {torch.float32: 3e-7, torch.float64: 1e-15, torch.bfloat16: 0.01}[dtype]
    function = getattr(torch, name)
    results = function(x), getattr(x.clone(), f"{name}_")(), function(x, out=torch.empty(0, dtype=dtype))
    for result in results:
        assert torch.equal(result, results[0])
        assert torch.allclose(result.double(), expected, rtol=tolerance, atol=tolerance)
    assert torch.equal(function(x[::3]), function(x)[::3])
    assert function(torch.tensor([4])).dtype == torch.float32
    assert function(torch.tensor(4.0)).shape == ()


def test_square_roots_are_those_of_ieee() -> None:
    x = numbers(100_001, dtype=torch.float32).abs()
    assert torch.equal(torch.sqrt(x), torch.sqrt(x.double()).float())


def test_errors_of_functions_are_those_of_torch() -> None:
    x = torch.tensor([0.0, -1.0, 1000.0])
    assert torch.log(x).tolist()[0] == -math.inf
    assert math.isnan(torch.sqrt(x).tolist()[1])
    assert torch.exp(x).tolist()[2] == math.inf


def test_an_output_of_another_type_is_converted() -> None:
    out = torch.empty(3, dtype=torch.float64)
    assert torch.allclose(torch.exp(torch.ones(3), out=out), torch.full((3,), math.e, dtype=torch.float64), rtol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 16, 100, 4083])
@pytest.mark.parametrize("smallest", [1, 16, 5000])
def test_parts_cover_a_dimension_in_order(size: int, smallest: int) -> None:
    parts = cut(size, smallest)
    assert [i for part in parts for i in range(size)[part]] == [*range(size)]
    assert len(parts) <= 8
    assert len(parts) == 1 or all(part.stop - part.start >= smallest for part in parts)


def test_results_of_tasks_keep_their_order_and_errors_are_raised() -> None:
    assert share([lambda i=i: i * i for i in range(20)]) == [i * i for i in range(20)]

    def fail() -> int:
        raise ValueError("task")

    with pytest.raises(ValueError, match="task"):
        share([fail, lambda: 1])


def test_denormals_are_flushed_inside_only() -> None:
    tiny = torch.tensor([1e-40])
    assert float(tiny * 1) > 0
    with flush_denormals():
        assert float(tiny * 1) == 0
        assert share([lambda: float(tiny * 1)] * 4) == [0.0] * 4
        with flush_denormals():
            pass
        assert float(tiny * 1) == 0
    assert float(tiny * 1) > 0
    assert share([lambda: float(tiny * 1) > 0] * 4) == [True] * 4


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Share tasks between three threads, as on a larger machine."""
    set_threads(3)
    yield
    set_threads(count_threads())


@pytest.mark.usefixtures("three_threads")
def test_tasks_have_the_modes_of_the_thread_that_shares_them() -> None:
    def modes() -> tuple[bool, bool]:
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    assert share([modes] * 3) == [(True, False)] * 3
    with torch.no_grad():
        assert share([modes] * 3) == [(False, False)] * 3
    with torch.inference_mode():
        assert share([modes] * 3) == [(False, True)] * 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("cell", ["rnn", "gru", "gru_reset_before", "lstm"])
def test_layers_give_the_same_with_several_threads_in_every_mode(cell: Cell, mode: Any) -> None:
    torch.manual_seed(1)
    layer = Recurrent(cell, 8, 8, 1, 0.0)
    with mode():
        inputs, start = numbers(64, 5, 8, dtype=torch.float32), layer.start(64)
        found = layer(inputs, start)[0]
        set_threads(1)
        assert torch.equal(found, layer(inputs, start)[0])


@pytest.mark.usefixtures("three_threads")
def test_shared_tasks_may_share_parts_again() -> None:
    assert share([lambda: sum(share([lambda: 1] * 5))] * 7) == [5] * 7


@pytest.mark.usefixtures("three_threads")
def test_a_task_that_fails_is_raised_when_all_have_ended() -> None:
    ended = []

    def slow() -> None:
        time.sleep(0.2)
        ended.append(1)

    def fail() -> None:
        raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        share([fail, slow, slow])
    assert ended == [1, 1]


@pytest.mark.usefixtures("three_threads")
def test_a_forked_process_has_threads_of_its_own() -> None:
    assert share([lambda: 1] * 3) == [1] * 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads
        child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends a child that waits for threads it does not have
        os._exit(0 if share([lambda: 2] * 3) == [2] * 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
