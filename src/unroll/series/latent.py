"""Family `latent`, latent autoregression: notes "Recurrent Neural Networks" (Qin), section 2.1, equations 3 and 4.

    h_t = g(x_{t-1}, h_{t-1})                                   g: recurrent layers; h_0 = 0
    x_t Gaussian with mean m(h_t) and deviation s(h_t)          m linear, or x_{t-1} + linear (`change`); s softplus

Trained on the negative log-likelihood of the next value. Further ahead x is sampled: each of `samples` futures feeds on
its own values, and the forecast has the mean of their means and, by the law of total variance, the mean of their
variances plus the variance of their means. So one step ahead nothing is sampled. The noise is the same for all origins:
a forecast does not depend on which others are made.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.errors import UnrollError
from unroll.layers.recurrent import Recurrent, State, select
from unroll.params.series import LatentParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past
from unroll.text.streams import Stream
from unroll.training.batching import shuffled_batches

SMALLEST = 1e-3  # deviation, so that a likelihood is never infinite
ROWS = 20_000  # futures that are in memory at a time


class Network(nn.Module):
    def __init__(self, params: LatentParams) -> None:
        super().__init__()
        self.layers = Recurrent(params.cell, 1, params.hidden_size, params.layers, dropout=0.0)
        self.head = nn.Linear(self.layers.hidden_size, 2)
        self.change = params.change

    def forward(self, values: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """(T, B) values -> of the values after them mean and deviation, (T, B) each, and the state."""
        hidden, after = self.layers.unroll(values[..., None], state)
        mean, spread = self.head(hidden).unbind(-1)
        return mean + values if self.change else mean, F.softplus(spread) + SMALLEST, after

    def loss(self, values: Tensor) -> Tensor:
        """Nats of each value but the first, given those before it: (T, B) -> (T - 1, B)."""
        mean, deviation, _ = self(values[:-1], self.layers.start(values.shape[1]))
        return 0.5 * math.log(2 * math.pi) + deviation.log() + 0.5 * ((values[1:] - mean) / deviation) ** 2


@dataclass(frozen=True)
class Latent:
    network: Network
    samples: int
    seed: int

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.network.parameters())

    @torch.inference_mode()
    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        state, last = self._states(torch.from_numpy(values.astype(np.float32)), origins)
        noise = torch.randn(self.samples, horizon, generator=torch.Generator().manual_seed(self.seed))
        parts = [
            self._futures(select(state, rows), last[rows], noise)
            for rows in torch.split(torch.arange(len(origins)), max(1, ROWS // self.samples))
        ]
        mean, deviation = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
        unknown = (origins < 1)[:, None]  # no value to begin from
        return Forecast(np.where(unknown, np.nan, mean), np.where(unknown, np.nan, deviation))

    def _states(self, values: Tensor, origins: Origins) -> tuple[State, Tensor]:
        """(T,) -> the state before the last known value of each origin, a row each, and that value (O,)."""
        needed = np.maximum(origins, 1) - 1
        state, at, kept = self.network.layers.start(1), 0, {}
        for end in np.unique(needed).tolist():
            if end > at:
                _, _, state = self.network(values[at:end, None], state)
            at, kept[end] = end, state
        rows = [kept[end] for end in needed.tolist()]
        return tuple(torch.cat(parts) for parts in zip(*rows, strict=True)), values[needed]

    def _futures(self, state: State, last: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(O, H) states, (O,) values, (S, K) noise -> mean and deviation, (O, K) each."""
        samples, horizon = noise.shape
        rows = torch.arange(len(last)).repeat_interleave(samples)
        state, x = select(state, rows), last[rows]  # O * S rows, the samples of an origin together
        found = []
        for step in range(horizon):
            means, deviations, state = self.network(x[None], state)
            mean, deviation = means[0].view(-1, samples), deviations[0].view(-1, samples)
            x = (mean + deviation * noise[:, step]).flatten()
            variance = (deviation**2).mean(1) + mean.var(1)
            found.append(torch.stack([mean.mean(1), variance.sqrt()]))
        means, deviations = torch.stack(found, -1).unbind()
        return means, deviations


def fit(params: LatentParams, past: Past) -> Latent:
    """Adam on shuffled subsequences; UnrollError if train has none, or the loss is not finite any more."""
    n = params.sequence_length
    if len(past.train) < 2 * n:
        raise UnrollError(
            f"sequence_length: {n} needs a train split of at least {2 * n} values, and it has {len(past.train)}; "
            "lower it or bring a longer series"
        )
    torch.manual_seed(past.seed)
    network = Network(params)
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
    train = Stream(past.train.astype(np.float32), np.array([0, len(past.train)]))
    # Values of valid are predicted after n of train, to warm up.
    valid = torch.from_numpy(np.concatenate([past.train[-n:], past.valid]).astype(np.float32))[:, None]
    best, weights, since = math.inf, network.state_dict(), 0
    for epoch in range(params.epochs):
        for x, y in shuffled_batches(train, n, params.batch_size, past.seed, epoch):
            values = torch.from_numpy(np.concatenate([x, y[:, -1:]], axis=1)).T  # (n + 1, B)
            optimizer.zero_grad()
            network.loss(values).mean().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), params.clip_norm)
            optimizer.step()
        with torch.inference_mode():
            loss = float(network.loss(valid)[n - 1 :].mean())
        if not math.isfinite(loss):
            raise UnrollError(f"learning_rate: the loss was {loss} after epoch {epoch + 1}; lower it")
        since += 1
        if loss < best:
            best, since = loss, 0
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        if since >= params.patience:
            break
    network.load_state_dict(weights)
    return Latent(network.eval().requires_grad_(False), params.samples, past.seed)
