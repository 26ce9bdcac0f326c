"""What a training of several ranks is compared with: one process that accumulates the same rows in a plain loop.

The loop has neither Lightning nor a process group. Rank r of R has the rows r, r + R, r + 2 R and so on of each batch.
"""

from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unroll.arithmetic.threads import flush_denormals
from unroll.params.training import Training
from unroll.training.early_stopping import EarlyStopping
from unroll.training.optimizer import build_optimizer, clip_gradients
from unroll.training.schedule import Schedule
from unroll.training.task import Task
from unroll.training.weight_averaging import WeightAveraging

Rows = list[tuple[int, dict[str, float]]]


def add(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


class Accumulation:
    """The training of one process. `steps` and `rows` are what `unroll.training.fit` gives."""

    def __init__(self, task: Task, params: Training, seed: int) -> None:
        self.task, self.params, self.seed = task, params, seed
        self.network, self.weights = task.network, [*task.network.parameters()]
        self.losses: list[float] = []
        self.valid_losses: list[float] = []

    def shards(self, batch: Any) -> list[Any]:
        return [tuple(part[rank :: self.params.ranks] for part in batch) for rank in range(self.params.ranks)]

    def train(self) -> None:
        with flush_denormals():
            self._train()

    def _train(self) -> None:
        steps = [self.task.steps(epoch) for epoch in range(self.params.epochs)]
        optimizer = build_optimizer(self.params, self.weights)
        schedule, best = Schedule(self.params, sum(steps)), EarlyStopping()
        averaging = WeightAveraging(self.params.averaging, self.weights)
        done = 0
        for epoch in range(self.params.epochs):
            batches, states = iter(self.task.train_batches(epoch)), [None] * self.params.ranks
            self.network.train()
            while window := [*islice(batches, self.params.accumulate_grad_batches)]:
                self.accumulate(window, done, states)
                done += len(window)
                clip_gradients(self.weights, self.params.clip)
                for group in optimizer.param_groups:
                    group["lr"] = self.params.learning_rate * schedule.factor(done - 1, epoch)
                optimizer.step()
                averaging.update()
            averaging.swap()
            loss = self.validate()
            best.update(loss, self.network)
            averaging.swap()
            averaging.record_validation(loss)
            schedule.record_validation(loss)
            if best.epochs_since_best >= self.params.patience:
                break
        self.network.load_state_dict(best.weights)

    def accumulate(self, window: list[Any], done: int, states: list[Any]) -> None:
        """Set the gradients of a step of the optimizer, and record the losses of its batches."""
        totals: list[Tensor | None] = [None] * len(self.weights)
        losses = torch.zeros(len(window))
        for rank in range(self.params.ranks):
            self.network.zero_grad()
            for index, batch in enumerate(window):
                shards = self.shards(batch)
                count = sum(self.count(shard) for shard in shards)
                if len(shards[rank][0]):
                    entropy = np.random.SeedSequence([self.seed, done + index, rank])
                    torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
                    nats, _, states[rank] = self.task.loss(shards[rank], states[rank])
                    loss = nats / count
                    losses[index] += loss.detach()
                    (loss / self.params.accumulate_grad_batches).backward()  # type: ignore[no-untyped-call]
            totals = [add(total, weight.grad) for total, weight in zip(totals, self.weights, strict=True)]
        for weight, total in zip(self.weights, totals, strict=True):
            weight.grad = total
        self.losses += losses.tolist()

    @torch.no_grad()
    def count(self, shard: Any) -> int:
        return int(self.task.loss(shard, None)[1]) if len(shard[0]) else 0

    @torch.no_grad()
    def validate(self) -> float:
        self.network.eval()
        sums = []
        for rank in range(self.params.ranks):
            state, values = None, []
            for batch in self.task.valid_batches():
                if len((shard := self.shards(batch)[rank])[0]):
                    nats, count, state = self.task.loss(shard, state)
                    values.append((nats, count))
            sums.append([torch.stack(column).double().sum() for column in zip(*values, strict=True)])
        nats, count = (sum(column[1:], column[0]) for column in zip(*sums, strict=True))
        self.valid_losses.append(float(nats / count))
        return self.valid_losses[-1]
