"""Output layers equal torch's cross-entropy, and the sampled ones learn a known distribution."""

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional as F

from unroll.errors import UnrollError
from unroll.layers import softmax
from unroll.layers.softmax import cross_entropy as fused
from unroll.params.layers import SoftmaxParams
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED, PAD

HIDDEN, WORDS = 6, 40
ADAPTIVE = {"kind": "adaptive", "cutoffs": [5, 20], "div_value": 2.0}


def build(**params: Any) -> Any:
    return softmax.build(TypeAdapter(SoftmaxParams).validate_python(params), HIDDEN, WORDS)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Return hidden vectors (3, 9, H) and targets (3, 9), some of which are never predicted."""
    torch.manual_seed(1)
    targets = torch.randint(WORDS, (3, 9))
    targets[0, :2] = torch.tensor([PAD, BOS])
    return 2 * torch.randn(3, 9, HIDDEN), targets


def gradients(loss: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, of)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("chunk", [1, 200, 1 << 23])  # one row at a time, a few rows, all rows
def test_loss_and_gradients_are_those_of_torch(
    batch: tuple[Tensor, Tensor], chunk: int, smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "CHUNK", chunk)
    layer = build(kind="full", precision=32)
    hidden, targets = batch[0].requires_grad_(), batch[1]
    logits = F.linear(hidden, layer.weight[FIRST_PREDICTED:], layer.bias[FIRST_PREDICTED:])
    classes = torch.where(targets < FIRST_PREDICTED, -100, targets - FIRST_PREDICTED)
    theirs = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="sum", label_smoothing=smoothing)
    ours = layer.smoothed_loss(hidden, targets, smoothing) if smoothing else layer.loss(hidden, targets)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    of = (hidden, layer.weight, layer.bias)
    for mine, expected in zip(gradients(3 * ours, *of), gradients(3 * theirs, *of), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-6)


def test_products_of_16_bits_are_close_to_exact(batch: tuple[Tensor, Tensor]) -> None:
    exact, rounded = build(kind="full", precision=32), build(kind="full", precision="bf16")
    rounded.load_state_dict(exact.state_dict())
    hidden, targets = batch[0].requires_grad_(), batch[1]
    one, other = exact.loss(hidden, targets), rounded.loss(hidden, targets)
    assert one.item() == pytest.approx(other.item(), rel=1e-2)
    assert one.item() != other.item()
    (mine,), (theirs,) = gradients(other, hidden), gradients(one, hidden)
    assert F.cosine_similarity(mine.flatten(), theirs.flatten(), dim=0) > 0.999
    assert rounded.eval().loss(hidden, targets) == exact.eval().loss(hidden, targets)


@pytest.mark.parametrize("kind", ["full", "adaptive", "sampled", "nce", "negative_sampling"])
def test_evaluation_is_a_distribution(batch: tuple[Tensor, Tensor], kind: str) -> None:
    given = {"full": {"kind": kind, "precision": 32}, "adaptive": ADAPTIVE}
    layer = build(**given.get(kind, {"kind": kind, "samples": 5, "exponent": 0.75})).eval()
    layer.set_counts(torch.randint(100, (WORDS,)))
    hidden, targets = batch
    with torch.no_grad():
        log_probs = layer.log_probs(hidden)
        torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(3, 9))
        assert log_probs[..., [PAD, BOS]].isneginf().all()
        found = layer.negative_log_likelihood(hidden, targets)
        expected = -log_probs.gather(-1, targets[..., None])[..., 0]
        torch.testing.assert_close(found, expected.where(targets > BOS, 0), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(layer.loss(hidden, targets), found.sum())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sampled", "nce", "negative_sampling"])
def test_sampling_learns_the_distribution(kind: str) -> None:
    """With one context the optimal probabilities are the frequencies of the words."""
    torch.manual_seed(2)
    layer = build(kind=kind, samples=20, exponent=0.5)
    counts = torch.arange(WORDS)
    counts[: BOS + 1] = 0
    layer.set_counts(counts)
    frequencies = counts / counts.sum()
    hidden = torch.ones(400, HIDDEN)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02)
    for step in range(400):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 400)
        optimizer.zero_grad()
        (layer.loss(hidden, torch.multinomial(frequencies, 400, replacement=True)) / 400).backward()
        optimizer.step()
    with torch.no_grad():
        found = layer.log_probs(hidden[0]).exp()
    assert (found - frequencies).abs().sum() < 0.12  # total variation 0.06


def test_adaptive_ranks_words_by_frequency() -> None:
    layer = build(**ADAPTIVE)
    counts = torch.arange(WORDS)  # the last word is the most frequent
    layer.set_counts(counts)
    assert layer.rank.tolist() == list(range(WORDS - BOS - 2, -1, -1))


def test_adaptive_raises_errors_for_impossible_settings() -> None:
    adapter = TypeAdapter(SoftmaxParams)
    with pytest.raises(UnrollError, match="the last must be below the 38 words"):
        build(**ADAPTIVE | {"cutoffs": [10, 38]})
    with pytest.raises(UnrollError, match="set tie_weights to false"):
        softmax.build(adapter.validate_python(ADAPTIVE), HIDDEN, WORDS, torch.zeros(WORDS, HIDDEN))
    with pytest.raises(ValueError, match="cutoffs must increase"):
        adapter.validate_python(ADAPTIVE | {"cutoffs": [20, 5]})


@pytest.mark.parametrize("kind", ["full", "sampled", "nce", "negative_sampling"])
def test_the_loss_of_a_network_in_evaluation_is_exact_also_with_gradients(
    kind: str, batch: tuple[Tensor, Tensor]
) -> None:
    """Whether gradients are enabled does not say whether a network is trained."""
    options = {"precision": "bf16"} if kind == "full" else {"samples": 5, "exponent": 0.75}
    layer = build(kind=kind, **options).eval()
    hidden, targets = batch[0].requires_grad_(), batch[1]
    with torch.enable_grad():
        loss = layer.loss(hidden, targets)
    exact = layer.negative_log_likelihood(hidden, targets).sum()
    torch.testing.assert_close(loss, exact, rtol=1e-6, atol=0)
    torch.testing.assert_close(*(gradients(one, hidden)[0] for one in (loss, exact)), rtol=1e-5, atol=1e-7)
    with torch.no_grad():
        assert torch.equal(layer.loss(hidden, targets), loss)
        assert not torch.allclose(layer.train().loss(hidden, targets), loss, rtol=1e-6, atol=0)
