"""Training by PyTorch Lightning, the only file that imports it.

Whatever is random is a function of (seed, epoch) or (seed, step): the order of the data is the caller's, dropout is
re-seeded at every step. So the weights are the same in every run of the same parameters.
"""

import copy
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import EarlyStopping, TQDMProgressBar
from torch import Tensor, nn

from unroll.errors import UnrollError
from unroll.params.models import Training

Report = Callable[..., None]


class Task(Protocol):
    """What is trained: a network with its data and its loss."""

    @property
    def network(self) -> nn.Module: ...

    def steps(self, epoch: int) -> int:
        """Number of batches of an epoch."""

    def train_batches(self, epoch: int) -> Iterable[Any]:
        """The batches (tuples of tensors) of an epoch, a pure function of its number."""

    def valid_batches(self) -> Sequence[Any]:
        """The batches of the valid split."""

    def loss(self, batch: Any, state: Any) -> tuple[Tensor, Tensor, Any]:
        """(summed nats, counted tokens, state to carry into the next batch, detached)."""


def fit(task: Task, params: Training, seed: int, report: Report) -> None:
    """Train `task.network` in place and leave it with the weights of its best epoch on the valid split.

    `report(step, **values)` receives the mean training loss about ten times an epoch and the validation loss after
    each. Raises UnrollError at the first loss that is not finite.
    """
    for name in ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    steps = [task.steps(epoch) for epoch in range(params.epochs)]
    if steps[0] == 0:
        raise UnrollError("the train split is smaller than one batch; lower training.batch_size or sequence_length")
    module = _Module(task, params, seed, report, steps)
    trainer = lightning.Trainer(
        max_epochs=params.epochs,
        accelerator="auto",
        devices=1,
        deterministic=True,
        gradient_clip_val=params.clip_norm,
        gradient_clip_algorithm="norm",
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        callbacks=[
            EarlyStopping(monitor="valid_loss", patience=params.patience, check_finite=False),
            _BestWeights(),
            *([TQDMProgressBar()] if sys.stderr.isatty() else []),
        ],
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings("ignore", module="lightning_fabric")
        trainer.fit(module)
    _check_complete(trainer, sum(steps), params.patience)
    task.network.cpu().eval()


def _check_complete(trainer: lightning.Trainer, steps: int, patience: int) -> None:
    # Lightning returns from some interruptions as if all were well; half a model must never be published as whole.
    stopped_early = trainer.should_stop and trainer.current_epoch >= patience
    if trainer.interrupted or (trainer.global_step != steps and not stopped_early):
        raise UnrollError(f"training ended after {trainer.global_step} of {steps} steps; run it again")


class _Module(lightning.LightningModule):
    def __init__(self, task: Task, params: Training, seed: int, report: Report, steps: list[int]) -> None:
        super().__init__()
        self.task, self.params, self.seed, self.report, self.steps = task, params, seed, report, steps
        self.network = task.network
        self.state: Any = None
        self.nats: list[Tensor] = []
        self.valid_nats: list[tuple[Tensor, Tensor]] = []

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.params.learning_rate, fused=True)
        if self.params.schedule == "constant":
            return optimizer
        steps = sum(self.steps)
        cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def train_dataloader(self) -> Any:
        return _Sized(self.task.train_batches(self.current_epoch), self.steps[self.current_epoch])

    def val_dataloader(self) -> Any:
        batches = self.task.valid_batches()
        return _Sized(batches, len(batches))

    def on_train_epoch_start(self) -> None:
        self.state = None

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        torch.manual_seed((self.seed << 31) + self.global_step)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        nats, count, self.state = self.task.loss(batch, self.state)
        loss = nats / count
        self.nats.append(loss.detach())
        planned = self.steps[self.current_epoch]
        if len(self.nats) >= max(1, planned // 10) or batch_index + 1 == planned:
            self._report_training((batch_index + 1) / planned)
        return loss

    def _report_training(self, share: float) -> None:
        # Read once per report and not per step: reading a loss makes a GPU wait.
        losses = torch.stack(self.nats).double().cpu()
        self.nats = []
        if not losses.isfinite().all():
            step = self.global_step - len(losses) + 1 + int((~losses.isfinite()).nonzero()[0])
            raise UnrollError(
                f"the training loss is not finite at step {step}; lower training.learning_rate "
                f"(it is {self.params.learning_rate:g}) or training.clip_norm (it is {self.params.clip_norm:g})"
            )
        self.report(
            self.global_step + 1,
            epoch=self.current_epoch + share,
            train_loss=float(losses.mean()),
            learning_rate=self.trainer.optimizers[0].param_groups[0]["lr"],
        )

    def on_validation_epoch_start(self) -> None:
        self.valid_nats = []
        self.valid_state: Any = None

    def validation_step(self, batch: Any, batch_index: int) -> None:
        nats, count, self.valid_state = self.task.loss(batch, self.valid_state)
        self.valid_nats.append((nats, count))

    def on_validation_epoch_end(self) -> None:
        nats, count = (torch.stack(column).double().sum() for column in zip(*self.valid_nats, strict=True))
        loss = float(nats / count)
        self.log("valid_loss", loss, prog_bar=True)
        self.report(
            self.global_step,
            epoch=self.current_epoch + 1.0,
            valid_loss=loss,
            valid_perplexity=math.exp(min(loss, 700.0)),
        )


class _BestWeights(lightning.Callback):
    """Keeps a copy of the weights of the lowest validation loss and puts it back at the end."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        loss = float(trainer.callback_metrics["valid_loss"])
        if loss < self.loss:
            self.loss, self.weights = loss, copy.deepcopy(module.task.network.state_dict())  # type: ignore[union-attr]

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if self.weights:
            module.task.network.load_state_dict(self.weights)  # type: ignore[union-attr]


class _Sized:
    """An iterable with a length, for the progress bar."""

    def __init__(self, batches: Iterable[Any], length: int) -> None:
        self.batches, self.length = batches, length

    def __iter__(self) -> Any:
        return iter(self.batches)

    def __len__(self) -> int:
        return self.length
