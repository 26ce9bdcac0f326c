"""Reference implementations of p(x_t | x_1..t-1) by the equations of each family, without code of the library.

They compute in float64. Numbers that a model stores as float32 are rounded to float32 first.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from tests import toy
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD

Reference = Callable[[Ids], Sequence[float]]


def trigram_with_add_k(k: float, vocabulary_size: int) -> Reference:
    """(c(h w) + k) / (c(h) + k V'), counted from the toy text. An n-gram model stores log p of the n-grams of its text,
    and for the others log gamma(h) and log 1 / V', each rounded to float32."""
    pairs = [pair for document in toy.text().train.documents for pair in contexts(document)]
    counts, totals = Counter(pairs), Counter(context for context, _ in pairs)
    predicted = vocabulary_size - 2

    def stored(probability: float) -> float:
        return float(np.float32(math.log(probability)))

    def one(h: tuple[int, ...], w: int) -> float:
        total = totals[h] + k * predicted
        if (h, w) in counts:
            return math.exp(stored((counts[h, w] + k) / total))
        return math.exp(stored(k * predicted / total) + stored(1 / predicted))

    return lambda document: [one(*pair) for pair in contexts(document)]


def contexts(document: Ids) -> list[tuple[tuple[int, ...], int]]:
    read = [BOS, *map(int, document)]
    return [(tuple(read[max(0, i - 2) : i]), read[i]) for i in range(1, len(read))]


def forward(initial: Any, transition: Any, emission: Any) -> Reference:
    """The forward recursion over hidden states: each factor is the probability of one more token."""

    def probabilities(document: Ids) -> Sequence[float]:
        factors, belief = [], initial
        for token in document:
            alpha = belief * emission[:, token]
            factors.append(alpha.sum())
            belief = alpha / alpha.sum() @ transition
        return factors

    return probabilities


def mixture(weights: Sequence[float], members: Sequence[Reference]) -> Reference:
    """The weighted sum of the probabilities of the members."""
    return lambda document: np.asarray(weights) @ np.asarray([member(document) for member in members])


def recurrent(model: Any, cell: str) -> Reference:
    """One layer of an Elman network, a GRU or an LSTM, equation by equation."""
    embedding, p = weights(model.network.embedding)["weight"], weights(model.network.recurrent)
    size = p["weight_hh_l0"].shape[1]

    def hidden(read: list[int]) -> np.ndarray:
        h, c, vectors = np.zeros(size), np.zeros(size), []
        for token in read:
            given = p["weight_ih_l0"] @ embedding[token] + p["bias_ih_l0"]
            past = p["weight_hh_l0"] @ h + p["bias_hh_l0"]
            if cell == "rnn":
                h = np.tanh(given + past)
            elif cell == "gru":
                (r, z, n), (reset, update, candidate) = np.split(given, 3), np.split(past, 3)
                r, z = sigmoid(r + reset), sigmoid(z + update)
                h = (1 - z) * np.tanh(n + r * candidate) + z * h
            else:
                i, f, g, o = np.split(given + past, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
            vectors.append(h)
        return np.stack(vectors)

    return softmax(model, hidden)


def window(model: Any) -> Reference:
    """tanh(d + H x) of the last w embeddings, with `<pad>` before the beginning of the document."""
    embedding, layer = weights(model.network.embedding)["weight"], weights(model.network.hidden)
    size = model.params.window

    def hidden(read: list[int]) -> np.ndarray:
        padded = [PAD] * (size - 1) + read
        x = np.stack([np.concatenate(embedding[padded[t : t + size]]) for t in range(len(read))])
        return np.tanh(x @ layer["weight"].T + layer["bias"])

    return softmax(model, hidden)


def transformer(model: Any) -> Reference:
    """A transformer, position by position and head by head. A rotation is a product of complex numbers."""
    embedding, params = weights(model.network.embedding)["weight"], model.params
    d = params.hidden_size // params.heads
    theta = 10_000.0 ** -(np.arange(0, d, 2) / d)

    def attended(q: np.ndarray, k: np.ndarray, v: np.ndarray, t: int) -> np.ndarray:
        first = max(0, t - params.context + 1)
        back = t - np.arange(first, t + 1)
        query, keys = (x[..., : d // 2] + 1j * x[..., d // 2 :] for x in (q[t], k[first : t + 1]))
        products = (query * keys.conj() * np.exp(1j * back[:, None] * theta)).real.sum(1) / math.sqrt(d)
        shares = np.exp(products - products.max())
        return shares / shares.sum() @ v[first : t + 1]

    def hidden(read: list[int]) -> np.ndarray:
        x = embedding[read]
        for block in model.network.transformer.blocks:
            qkv = np.split(linear(block.attention.qkv, normed(block.norm1, x)), 3, axis=1)
            heads = [[part[:, h * d : (h + 1) * d] for part in qkv] for h in range(params.heads)]
            joined = [np.concatenate([attended(*head, t) for head in heads]) for t in range(len(x))]
            x = x + linear(block.attention.out, np.stack(joined))
            inner = linear(block.inner, normed(block.norm2, x))
            gelu = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
            x = x + linear(block.out, gelu)
        return normed(model.network.transformer.norm, x)

    return softmax(model, hidden)


def softmax(model: Any, hidden: Callable[[list[int]], np.ndarray]) -> Reference:
    """The softmax over all tokens but `<pad>` and `<bos>`, from hidden vectors (T, H) of the contexts."""

    def probabilities(document: Ids) -> Sequence[float]:
        logits = linear(model.network.softmax, hidden([BOS, *map(int, document[:-1])]))[:, EOS:]
        exps = np.exp(logits - logits.max(1, keepdims=True))
        return (exps / exps.sum(1, keepdims=True))[np.arange(len(document)), np.asarray(document) - EOS]

    return probabilities


def weights(module: nn.Module) -> dict[str, np.ndarray]:
    """The weights of a module by the last part of their names."""
    return {name.split(".")[-1]: value.double().numpy() for name, value in module.state_dict().items()}


def linear(module: nn.Module, x: np.ndarray) -> np.ndarray:
    p = weights(module)
    return x @ p["weight"].T + p["bias"]


def normed(module: Any, x: np.ndarray) -> np.ndarray:
    p, centred = weights(module), x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True) + module.eps) * p["weight"] + p["bias"]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
