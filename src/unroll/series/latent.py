"""Family `latent`: latent autoregression, a recurrent network (Dive into Deep Learning, section 9.1).

    h_t = g(x_{t-1}, h_{t-1})                        g: recurrent layers; h_0 = 0
    x_t Gaussian with mean m(h_t), deviation s(h_t)  m: linear, or x_{t-1} + linear (`predict_difference`); s: softplus

It is trained on the negative log-likelihood of the next value. For later steps it samples futures: each of `samples`
futures is fed with its own values. The mean of the forecast is the mean of their means; its variance is, by the law of
total variance, the mean of their variances plus the variance of their means. One step ahead nothing is sampled. The
noise is the same for all origins, so that a forecast does not depend on the other origins.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
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
"""The number of futures that are in memory at once."""


class Network(nn.Module):
    """Recurrent layers with a mean and a deviation as output."""

    def __init__(self, params: LatentParams) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.layers = Recurrent(params.cell, 1, params.hidden_size, params.layers, dropout=0.0)
        self.head = nn.Linear(self.layers.hidden_size, 2)
        self.predict_difference = params.predict_difference

    def forward(self, values: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Predict the value after each of `values`.

        Args:
            values: Standardised values (T, B).
            state: The state before the first value.

        Returns:
            The means (T, B), the deviations (T, B), and the state after the last value.
        """
        hidden, state = self.layers.unroll(values[..., None], state)
        mean, spread = self.head(hidden).unbind(-1)
        return mean + values if self.predict_difference else mean, F.softplus(spread) + MIN_DEVIATION, state

    def loss(self, values: Tensor) -> Tensor:
        """Return the negative log density (T - 1, B) in nats of each of `values` (T, B) but the first."""
        mean, deviation, _ = self(values[:-1], self.layers.start(values.shape[1]))
        return 0.5 * math.log(2 * math.pi) + deviation.log() + 0.5 * ((values[1:] - mean) / deviation) ** 2


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
        state, last = self._states(torch.from_numpy(values.astype(np.float32)), origins)
        noise = torch.randn(self.samples, horizon, generator=torch.Generator().manual_seed(self.seed))
        parts = [
            self._sample_futures(select(state, rows), last[rows], noise)
            for rows in torch.split(torch.arange(len(origins)), max(1, MAX_FUTURES // self.samples))
        ]
        mean, deviation = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
        impossible = (origins < 1)[:, None]  # there is no value to begin with
        return Forecast(np.where(impossible, np.nan, mean), np.where(impossible, np.nan, deviation))

    def _states(self, values: Tensor, origins: Origins) -> tuple[State, Tensor]:
        """Read the series once; return each origin's state before its last value, (O, H), and that value (O,)."""
        ends = np.maximum(origins, 1) - 1
        state, position, states = self.network.layers.start(1), 0, {}
        for end in np.unique(ends).tolist():
            if end > position:
                _, _, state = self.network(values[position:end, None], state)
            position, states[end] = end, state
        rows = [states[end] for end in ends.tolist()]
        return tuple(torch.cat(parts) for parts in zip(*rows, strict=True)), values[ends]

    def _sample_futures(self, state: State, last: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and deviations (O, K) from states (O, H), last values (O,) and noise (S, K)."""
        samples, horizon = noise.shape
        rows = torch.arange(len(last)).repeat_interleave(samples)
        state, x = select(state, rows), last[rows]  # O * S rows, the samples of an origin together
        moments = []
        for step in range(horizon):
            means, deviations, state = self.network(x[None], state)
            mean, deviation = means[0].view(-1, samples), deviations[0].view(-1, samples)
            x = (mean + deviation * noise[:, step]).flatten()
            variance = (deviation**2).mean(1) + mean.var(1)
            moments.append(torch.stack([mean.mean(1), variance.sqrt()]))
        means, deviations = torch.stack(moments, -1).unbind()
        return means, deviations


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
    n = params.sequence_length
    if len(past.train) < 2 * n:
        raise UnrollError(
            f"sequence_length: {n} needs a train split of at least {2 * n} values, and it has {len(past.train)}; "
            "lower it or use a longer series"
        )
    torch.manual_seed(past.seed)
    network = Network(params)
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
    train = Stream(past.train.astype(np.float32), np.array([0, len(past.train)]))
    # The network reads the last n values of train before it predicts the values of valid.
    valid = torch.from_numpy(np.concatenate([past.train[-n:], past.valid]).astype(np.float32))[:, None]
    best, weights, epochs_since_best = math.inf, network.state_dict(), 0
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
        epochs_since_best += 1
        if loss < best:
            best, epochs_since_best = loss, 0
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        if epochs_since_best >= params.patience:
            break
    network.load_state_dict(weights)
    return Latent(network.eval().requires_grad_(False), params.samples, past.seed)
