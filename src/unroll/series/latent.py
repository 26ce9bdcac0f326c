"""Family `latent`: latent autoregression, a recurrent network (Dive into Deep Learning, section 9.1).

    h_t = g(x_{t-1}, h_{t-1})                        g: recurrent layers; h_0 = 0
    x_t Gaussian with mean m(h_t), deviation s(h_t)  m: linear, or x_{t-1} + linear (`predict_difference`); s: softplus

A vector x_t has a mean and a deviation for each of its d columns; its numbers are independent given h_t.

In place of a missing number, the network reads the last observed one of the column (0, the mean of train, if there is
none yet). If train or valid has missing numbers, it also reads which numbers are observed, as d inputs of 0 and 1. A
missing number is no target: it has no part in the loss.

It is trained on the negative log-likelihood of the next value. For later steps it samples futures: each of `samples`
futures is fed with its own values. The mean of the forecast is the mean of their means; its variance is, by the law of
total variance, the mean of their variances plus the variance of their means. One step ahead nothing is sampled. The
noise is the same for all origins, so that a forecast does not depend on the other origins.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.arithmetic.global_state import restored_global_state
from unroll.errors import UnrollError
from unroll.layers.recurrent import Recurrent, State, select
from unroll.params.series import LatentParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past
from unroll.text.streams import Stream
from unroll.training.batching import shuffled_batches

MIN_DEVIATION = 1e-3
"""The smallest deviation that the network predicts; it keeps the likelihood finite."""
MAX_FUTURES = 20_000
"""The number of numbers of sampled futures that are in memory at once."""


class Network(nn.Module):
    """Recurrent layers with a mean and a deviation of each column as output."""

    def __init__(self, params: LatentParams, columns: int, masked: bool) -> None:
        """Build the network with random weights.

        Args:
            params: The settings of the family.
            columns: The number d of columns.
            masked: Whether the network reads which numbers are observed.
        """
        super().__init__()
        size = 2 * columns if masked else columns
        self.layers = Recurrent(params.cell, size, params.hidden_size, params.layers, dropout=0.0)
        self.head = nn.Linear(self.layers.hidden_size, 2 * columns)
        self.predict_difference, self.masked = params.predict_difference, masked

    def forward(self, values: Tensor, observed: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Predict the value after each of `values`.

        Args:
            values: Standardised values (T, B, d) without missing numbers (`carry_forward`).
            observed: Whether each of them was observed (T, B, d).
            state: The state before the first value.

        Returns:
            The means (T, B, d), the deviations (T, B, d), and the state after the last value.
        """
        inputs = torch.cat([values, observed.to(values.dtype)], -1) if self.masked else values
        hidden, state = self.layers.unroll(inputs, state)
        mean, spread = self.head(hidden).chunk(2, -1)
        return mean + values if self.predict_difference else mean, F.softplus(spread) + MIN_DEVIATION, state

    def loss(self, values: Tensor, observed: Tensor) -> Tensor:
        """Return the negative log density (T - 1, B, d) in nats of each of `values` but the first; 0 for missing ones.

        Args:
            values: Standardised values (T, B, d) without missing numbers (`carry_forward`).
            observed: Whether each of them was observed (T, B, d).
        """
        mean, deviation, _ = self(values[:-1], observed[:-1], self.layers.start(values.shape[1]))
        density = 0.5 * math.log(2 * math.pi) + deviation.log() + 0.5 * ((values[1:] - mean) / deviation) ** 2
        return density.where(observed[1:], 0.0)


@dataclass(frozen=True)
class Latent:
    """A trained latent autoregression."""

    network: Network
    """The network."""
    samples: int
    """The number of sampled futures per origin."""
    seed: int
    """The seed of the noise of the futures."""

    @property
    def parameters(self) -> int:
        """The number of weights of the network."""
        return sum(weights.numel() for weights in self.network.parameters())

    @torch.inference_mode()
    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast by sampled futures; see `Forecaster.forecast`."""
        inputs, observed = (torch.from_numpy(part) for part in carry_forward(values))
        state, ends = self._states(inputs, observed, origins)
        columns = values.shape[1]
        noise = torch.randn(self.samples, horizon, columns, generator=torch.Generator().manual_seed(self.seed))
        parts = [
            self._sample_futures(select(state, rows), inputs[ends[rows]], observed[ends[rows]], noise)
            for rows in torch.split(torch.arange(len(origins)), max(1, MAX_FUTURES // (self.samples * columns)))
        ]
        mean, deviation = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
        impossible = (origins < 1)[:, None, None]  # there is no value to begin with
        return Forecast(np.where(impossible, np.nan, mean), np.where(impossible, np.nan, deviation))

    def _states(self, values: Tensor, observed: Tensor, origins: Origins) -> tuple[State, Tensor]:
        """Read the series once; return the state before each origin's last value, (O, H), and its position (O,)."""
        ends = np.maximum(origins, 1) - 1
        state, position, states = self.network.layers.start(1), 0, {}
        for end in np.unique(ends).tolist():
            if end > position:
                _, _, state = self.network(values[position:end, None], observed[position:end, None], state)
            position, states[end] = end, state
        rows = [states[end] for end in ends.tolist()]
        return tuple(torch.cat(parts) for parts in zip(*rows, strict=True)), torch.from_numpy(ends)

    def _sample_futures(self, state: State, last: Tensor, observed: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and deviations (O, K, d) from states (O, H), last values (O, d) and noise (S, K, d)."""
        samples, horizon, columns = noise.shape
        rows = torch.arange(len(last)).repeat_interleave(samples)
        state, x, seen = select(state, rows), last[rows], observed[rows]  # O * S rows, those of an origin together
        moments = []
        for step in range(horizon):
            means, deviations, state = self.network(x[None], seen[None], state)
            mean, deviation = (part[0].view(-1, samples, columns) for part in (means, deviations))
            x = (mean + deviation * noise[:, step]).flatten(0, 1)
            seen = torch.ones_like(x, dtype=torch.bool)  # a sampled value is complete
            variance = (deviation**2).mean(1) + mean.var(1)
            moments.append(torch.stack([mean.mean(1), variance.sqrt()]))
        means, deviations = torch.stack(moments, 2).unbind()
        return means, deviations


def carry_forward(values: Floats) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Replace missing numbers by the last observed one of their column, or by 0 if there is none yet.

    Args:
        values: Standardised values (T, d).

    Returns:
        The values (T, d) in single precision, and whether each of them was observed.
    """
    observed = np.isfinite(values)
    last = np.maximum.accumulate(np.where(observed, np.arange(len(values))[:, None], -1), axis=0)  # (T, d); -1: none
    carried = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last < 0, 0.0, carried).astype(np.float32), observed


@restored_global_state()
def fit(params: LatentParams, past: Past) -> Latent:
    """Train the network with Adam on shuffled subsequences, and keep the weights of the best epoch.

    Args:
        params: The settings of the family.
        past: The data.

    Returns:
        The trained forecaster.

    Raises:
        UnrollError: The train split is too short for a subsequence, or the loss is not finite.
    """
    n, columns = params.sequence_length, past.train.shape[1]
    if len(past.train) < 2 * n:
        raise UnrollError(
            f"sequence_length: {n} needs a train split of at least {2 * n} values, and it has {len(past.train)}; "
            "lower it or use a longer series"
        )
    torch.manual_seed(past.seed)
    values, observed = (torch.from_numpy(part) for part in carry_forward(np.concatenate([past.train, past.valid])))
    network = Network(params, columns, masked=not bool(observed.all()))
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
    train = Stream(np.arange(len(past.train)), np.array([0, len(past.train)]))  # of positions
    # The network reads the last n values of train before it predicts the values of valid.
    valid = [part[len(past.train) - n :, None] for part in (values, observed)]
    valid_numbers = int(valid[1][n:].sum())
    if not valid_numbers:
        raise UnrollError("family: latent needs an observed value in the valid split, and there is none")
    best, weights, epochs_since_best = math.inf, network.state_dict(), 0
    for epoch in range(params.epochs):
        for x, y in shuffled_batches(train, n, params.batch_size, past.seed, epoch):
            positions = torch.from_numpy(np.concatenate([x, y[:, -1:]], axis=1))  # (B, n + 1)
            batch, seen = (part[positions].transpose(0, 1) for part in (values, observed))  # (n + 1, B, d)
            numbers = int(seen[1:].sum())
            if not numbers:
                continue
            optimizer.zero_grad()
            (network.loss(batch, seen).sum() / numbers).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), params.clip_norm)
            optimizer.step()
        with torch.inference_mode():
            loss = float(network.loss(*valid)[n - 1 :].sum() / valid_numbers)
        if not math.isfinite(loss):
            raise UnrollError(f"learning_rate: the loss was {loss} after epoch {epoch + 1}; lower it")
        epochs_since_best += 1
        if loss < best:
            best, epochs_since_best = loss, 0
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        if epochs_since_best >= params.patience:
            break
    network.load_state_dict(weights)
    return Latent(network.eval().requires_grad_(False), params.samples, past.seed)
