"""Hashes of what numpy, torch and the models compute: python -m tests.arithmetic.probe [operations] [fits] [--update].

With portable arithmetic they are those of tests/portable.json on every x86-64 processor with AVX2. The operations are
those that the project uses, at small and large shapes, contiguous and strided; the fits are tiny models of every
family. --until-difference ends at the first hash that is not the one of the file. --update writes the hashes, after a
change that is meant to change them.
"""

import argparse
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests import toy
from unroll.arithmetic.threads import cut, share
from unroll.layers.recurrent import Recurrent
from unroll.layers.softmax.cross_entropy import cross_entropy
from unroll.models.base.inputs import Inputs
from unroll.models.recurrent.params import RecurrentParams
from unroll.models.transformer.params import TransformerParams
from unroll.training.optimizer import clip_gradients

FILE = Path(__file__).parents[1] / "portable.json"
Hashes = dict[str, str]
Operation = tuple[str, Callable[[], Any]]

FUNCTIONS = ("exp", "log", "log2", "sqrt", "tanh", "sigmoid", "sin", "cos", "expm1", "log1p", "rsqrt")
POSITIVE = ("log", "log1p", "log2", "sqrt", "rsqrt")
BY_MKL = ("tanh", "sin", "cos")
"""Functions that torch computes by MKL for 64 bits, which the project does not use."""
REDUCTIONS = ("sum", "mean", "norm", "std", "prod", "cumsum", "logsumexp", "amax")
SHAPES = ((1, 64, 64), (7, 13, 5), (32, 128, 384), (257, 129, 65), (3, 1000, 3), (64, 2048, 128), (1120, 128, 2000))
"""m, k and n of products (m, k) (k, n). The last ones are cut into blocks."""


class Numbers:
    """Numbers with few bits, so that they are equal on every machine."""

    def __init__(self) -> None:
        self.generator = random.Random(7)

    def array(self, *shape: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
        """Return numbers between -1 and 1, none of them 0."""
        size = int(np.prod(shape))
        bits = np.frombuffer(self.generator.randbytes(4 * size), dtype="<u4") >> 10
        signs = np.where(bits & 1, 1.0, -1.0)
        return (signs * (bits + 1) / (1 << 22)).reshape(shape).astype(dtype)

    def tensor(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the same as a tensor."""
        return torch.from_numpy(self.array(*shape, dtype=np.float64)).to(dtype)


def digest(value: Any) -> str:
    """Return a short hash of arrays, tensors or other values."""
    hashed = hashlib.sha256()
    for part in value if isinstance(value, list | tuple) else [value]:
        array = part.detach().numpy() if isinstance(part, Tensor) else part
        hashed.update(np.ascontiguousarray(array).tobytes() if isinstance(array, np.ndarray) else repr(part).encode())
    return hashed.hexdigest()[:12]


def elementwise(numbers: Numbers) -> Iterator[Operation]:
    """Functions of each element, of numpy and torch."""
    for dtype in ("float32", "float64"):
        x = numbers.array(20_001, dtype=dtype)
        positive, t = np.abs(x), torch.from_numpy(x)
        for name in FUNCTIONS:
            argument = positive if name in POSITIVE else 4 * x
            if hasattr(np, name):
                yield f"numpy.{name}.{dtype}", lambda name=name, a=argument: getattr(np, name)(a)
            if dtype == "float64" and name in BY_MKL:
                continue
            a = torch.from_numpy(argument)
            yield f"torch.{name}.{dtype}", lambda name=name, a=a: getattr(torch, name)(a)
            yield f"torch.{name}.strided.{dtype}", lambda name=name, a=a: getattr(torch, name)(a[::3])
        yield f"numpy.power.{dtype}", lambda p=positive, x=x: np.power(p, x)
        yield f"torch.pow.{dtype}", lambda p=positive, t=t: torch.pow(torch.from_numpy(p), t)
        yield f"torch.sqrt_.{dtype}", lambda p=positive: torch.from_numpy(p.copy()).sqrt_()
        for name, function in (("gelu", F.gelu), ("softplus", F.softplus), ("silu", F.silu)):
            yield f"torch.{name}.{dtype}", lambda f=function, t=t: f(t)
        yield f"torch.lerp.{dtype}", lambda t=t: torch.lerp(t, t * t, t)
        yield f"torch.addcdiv.{dtype}", lambda t=t: torch.addcdiv(t, t, t + 2)


def reductions(numbers: Numbers) -> Iterator[Operation]:
    """Sums and softmaxes."""
    for dtype in (torch.float32, torch.float64):
        label = str(dtype).removeprefix("torch.")
        x, rows = numbers.tensor(50_001, dtype=dtype), 6 * numbers.tensor(33, 501, dtype=dtype)
        for name in REDUCTIONS:
            dim = {"dim": 0} if name in ("cumsum", "logsumexp") else {}
            yield f"torch.{name}.{label}", lambda name=name, x=x, dim=dim: getattr(torch, name)(x, **dim)
        yield f"numpy.sum.{label}", lambda x=x: x.numpy().sum()
        yield f"numpy.mean.{label}", lambda x=x: x.numpy().mean()
        yield f"torch.sum.rows.{label}", lambda r=rows: r.sum(1)
        yield f"torch.sum.columns.{label}", lambda r=rows: r.sum(0)
        yield f"torch.softmax.{label}", lambda r=rows: torch.softmax(r, 1)
        yield f"torch.log_softmax.{label}", lambda r=rows: torch.log_softmax(r, 1)
        yield f"torch.cross_entropy.{label}", lambda r=rows: F.cross_entropy(r, torch.arange(33))
        yield f"torch.layer_norm.{label}", lambda r=rows: F.layer_norm(r, (501,))
        yield f"torch.total_norm.{label}", lambda r=rows, x=x: nn.utils.get_total_norm([r, x])


def products(numbers: Numbers) -> Iterator[Operation]:
    """Matrix products and linear algebra."""
    for dtype in (torch.float32, torch.float64):
        label = str(dtype).removeprefix("torch.")
        for m, k, n in SHAPES:
            a, b, c = (numbers.tensor(*shape, dtype=dtype) for shape in ((m, k), (k, n), (m, n)))
            key = f"{m}x{k}x{n}.{label}"
            yield f"torch.mm.{key}", lambda a=a, b=b: a @ b
            yield f"torch.mm.transposed.{key}", lambda a=a, b=b: (b.T.contiguous() @ a.T.contiguous()).T
            yield f"torch.mm.gradient.{key}", lambda a=a, c=c: a.T @ c
            yield f"torch.addmm.{key}", lambda a=a, b=b, c=c: torch.addmm(c[0], a, b)
            yield f"torch.addmm_.{key}", lambda a=a, b=b, c=c: c.clone().addmm_(a, b)
            yield f"numpy.matmul.{key}", lambda a=a, b=b: a.numpy() @ b.numpy()
        a, b = numbers.tensor(6, 20, 64, dtype=dtype), numbers.tensor(6, 64, 31, dtype=dtype)
        yield f"torch.bmm.{label}", lambda a=a, b=b: a @ b
        yield f"torch.baddbmm.{label}", lambda a=a, b=b: torch.baddbmm(torch.ones(6, 20, 31, dtype=a.dtype), a, b)
        yield f"torch.mv.{label}", lambda a=a, b=b: a[0] @ b[0, :, 0]
        yield f"torch.dot.{label}", lambda a=a: torch.dot(a.flatten(), a.flatten())
        square = numbers.tensor(40, 40, dtype=dtype)
        positive = square @ square.T + 9 * torch.eye(40, dtype=dtype)
        yield f"torch.cholesky.{label}", lambda p=positive: torch.linalg.cholesky(p)
        yield f"torch.svdvals.{label}", lambda s=square: torch.linalg.svdvals(s)
        yield f"numpy.lstsq.{label}", lambda s=square: np.linalg.lstsq(s.numpy()[:, :9], s.numpy()[:, 9], rcond=None)[0]
        yield f"numpy.svd.{label}", lambda s=square: np.linalg.svd(s.numpy())[1]
        yield f"numpy.inv.{label}", lambda s=square: np.linalg.inv(s.numpy())


def random_numbers(numbers: Numbers) -> Iterator[Operation]:
    """Generators of random numbers, of numpy and torch."""

    def torch_generator() -> torch.Generator:
        return torch.Generator().manual_seed(5)

    for name in ("rand", "randn"):
        for size in (7, 1000):
            yield f"torch.{name}.{size}", lambda name=name, n=size: getattr(torch, name)(n, generator=torch_generator())
    yield "torch.randperm", lambda: torch.randperm(1000, generator=torch_generator())
    yield "torch.normal_", lambda: torch.empty(50, 40).normal_(0, 0.02, generator=torch_generator())
    yield "torch.uniform_", lambda: torch.empty(1000).uniform_(-0.1, 0.1, generator=torch_generator())
    yield "torch.bernoulli_", lambda: torch.empty(1000).bernoulli_(0.3, generator=torch_generator())
    yield "torch.multinomial", lambda: torch.multinomial(torch.ones(50), 20, True, generator=torch_generator())
    for name in ("random", "standard_normal", "standard_exponential", "standard_gamma"):
        arguments = (0.3,) if name == "standard_gamma" else ()
        yield f"numpy.{name}", lambda name=name, a=arguments: getattr(np.random.default_rng(5), name)(*a, size=1000)
    yield "numpy.choice", lambda: np.random.default_rng(5).choice(50, 1000, p=np.full(50, 0.02))
    yield "numpy.dirichlet", lambda: np.random.default_rng(5).dirichlet(np.full(50, 0.1))

    def dropout() -> Tensor:
        torch.manual_seed(5)
        return F.dropout(torch.ones(1000), 0.3)

    yield "torch.dropout", dropout


def networks(numbers: Numbers) -> Iterator[Operation]:
    """Layers with their gradients, losses and optimizers."""

    def fill(module: nn.Module) -> nn.Module:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(0.3 * numbers.tensor(*parameter.shape))
        return module

    def gradients(module: nn.Module, result: Callable[[], Tensor]) -> list[Tensor]:
        outputs = result()
        (outputs * numbers.tensor(*outputs.shape)).sum().backward()
        return [outputs, *[parameter.grad for parameter in module.parameters() if parameter.grad is not None]]

    for cell in ("rnn", "gru", "lstm", "mingru", "minlstm"):
        for size, steps, rows in ((32, 9, 4), (128, 7, 40)):
            layer = fill(Recurrent(cell, size, size, 2, 0.0))
            x = numbers.tensor(rows, steps, size)
            yield (
                f"layer.{cell}.{size}x{steps}x{rows}",
                lambda layer=layer, x=x, rows=rows: gradients(layer, lambda: layer(x, layer.start(rows))[0]),
            )
    norm, linear, embedding = fill(nn.LayerNorm(128)), fill(nn.Linear(128, 501)), fill(nn.Embedding(50, 32))
    x = numbers.tensor(400, 128)
    yield "layer.layer_norm", lambda: gradients(norm, lambda: norm(x))
    yield "layer.linear", lambda: gradients(linear, lambda: linear(x))
    yield "layer.embedding", lambda: gradients(embedding, lambda: embedding(torch.arange(300) % 50))
    for smoothing in (0.0, 0.1):
        h, w = numbers.tensor(700, 64).requires_grad_(), numbers.tensor(900, 64).requires_grad_()

        def loss(h: Tensor = h, w: Tensor = w, smoothing: float = smoothing) -> list[Tensor | None]:
            nats = cross_entropy(h, w, torch.zeros(900), torch.arange(700), False, smoothing)
            nats.backward()  # type: ignore[no-untyped-call]
            return [nats, h.grad, w.grad]

        yield f"loss.cross_entropy.{smoothing}", loss
    for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD):
        yield f"optimizer.{kind.__name__}", lambda kind=kind: optimize(kind, numbers)


def optimize(kind: Any, numbers: Numbers) -> Tensor:
    """Return a parameter after three steps with clipped gradients."""
    parameter = nn.Parameter(numbers.tensor(300, 100))
    optimizer = kind([parameter], 0.01, fused=True)
    clip = RecurrentParams.model_validate(recurrent("rnn")).training.clip
    for _ in range(3):
        parameter.grad = numbers.tensor(300, 100)
        clip_gradients([parameter], clip)
        optimizer.step()
    return parameter


def recurrent(cell: str) -> dict[str, Any]:
    """Return the settings of a small network."""
    from tests.models.test_contract import RECURRENT  # slow to import, and not needed for most operations

    training = toy.TRAINING | {"epochs": 1, "patience": 1}
    return RECURRENT | {"cell": cell, "embedding_size": 32, "hidden_size": 32, "training": training}


def operations() -> Iterator[tuple[str, str]]:
    """Yield the name and the hash of every operation."""
    numbers = Numbers()
    for group in (elementwise, reductions, products, random_numbers, networks):
        for name, operation in group(numbers):
            yield name, digest(operation())
    yield "threads.share", digest(share([lambda part=part: (part.start, part.stop) for part in cut(1000, 7)]))


def fits() -> Iterator[tuple[str, str]]:
    """Yield the hash of the files of a tiny model of every family, and of what it predicts."""
    from tests.models.make_saved import predict, train_all
    from tests.models.test_contract import TRANSFORMER
    from unroll.models.recurrent.model import fit as fit_recurrent
    from unroll.models.transformer.model import fit as fit_transformer

    before = Path.cwd()
    with TemporaryDirectory() as workspace:
        os.chdir(workspace)
        try:
            for name, folder in train_all():
                files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".safetensors", ".parquet")]
                yield f"fit.{name}", digest([*[path.read_bytes() for path in files], json.dumps(predict(folder))])
        finally:
            os.chdir(before)
    data = toy.text()
    for cell in ("rnn", "gru", "lstm", "mingru", "minlstm"):
        settings = RecurrentParams.model_validate(recurrent(cell))
        model = fit_recurrent(settings, data, Inputs(), lambda *_, **__: None)
        yield f"fit.text.{cell}", digest(list(model.log_probs(data.test.documents)))
    settings = TransformerParams.model_validate(TRANSFORMER | {"training": recurrent("rnn")["training"]})
    model = fit_transformer(settings, data, Inputs(), lambda *_, **__: None)
    yield "fit.text.transformer", digest(list(model.log_probs(data.test.documents)))


GROUPS = {"operations": operations, "fits": fits}


def main() -> None:
    """Print the hashes as JSON, or update the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="which hashes; by default all")
    parser.add_argument("--update", action="store_true", help=f"write {FILE.name}")
    parser.add_argument("--until-difference", action="store_true", help="end at the first difference")
    arguments = parser.parse_args()
    expected, found = json.loads(FILE.read_text(encoding="utf-8")) if arguments.until_difference else {}, {}
    for name, value in ((name, value) for group in arguments.groups or GROUPS for name, value in GROUPS[group]()):
        found[name] = value
        if arguments.until_difference and expected.get(name) != value:
            break
    if arguments.update:
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
