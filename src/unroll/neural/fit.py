"""Training by PyTorch Lightning, the only file that imports it.

Whatever is random is a function of (seed, epoch) or (seed, batch): the order of the data is the caller's, dropout is
re-seeded at every batch. So the weights are the same in every run of the same parameters, and also of a run that was
killed and went on from its checkpoint: `neural/checkpoint.py`.
"""

import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, islice
from typing import Any, Protocol

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.utilities import move_data_to_device
from torch import Tensor, nn

from unroll.errors import UnrollError
from unroll.neural.average import Average
from unroll.neural.batches import Batches
from unroll.neural.best import Best
from unroll.neural.checkpoint import Checkpoint
from unroll.neural.diagnostics import largest_radii
from unroll.neural.optimizer import build, clip
from unroll.neural.schedule import Schedule
from unroll.params.models import Training
from unroll.partition import Data

Report = Callable[..., None]
RADII = 20
"""How often a run measures its spectral radii, at most."""
PRECISION: dict[int | str, Any] = {32: "32-true", 16: "16-mixed", "bf16": "bf16-mixed"}


class Task(Protocol):
    """What is trained: a network with its data and its loss."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def data(self) -> Data: ...

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
    each; a run that goes on from a checkpoint first reports what it had reported before. Raises UnrollError at the
    first loss that is not finite.
    """
    for name in ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    steps = [task.steps(epoch) for epoch in range(params.epochs)]
    if steps[0] == 0:
        raise UnrollError("the train split is smaller than one batch; lower training.batch_size or sequence_length")
    if params.precision == 16 and not torch.cuda.is_available():
        raise UnrollError("training.precision 16 needs a GPU; set it to bf16 or 32")
    module = _Module(task, params, seed, report, steps)
    trainer = lightning.Trainer(
        max_epochs=params.epochs - module.first_epoch,
        accelerator="auto",
        devices=1,
        precision=PRECISION[params.precision],
        deterministic=True,
        accumulate_grad_batches=params.accumulate,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        callbacks=[TQDMProgressBar()] if sys.stderr.isatty() else [],
    )
    # With deterministic algorithms torch fills all new memory before it is written to: a whole pass, for nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with warnings.catch_warnings(), _denormals_are_nought():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings("ignore", module="lightning_fabric")
        trainer.fit(module)
    # Lightning returns from some interruptions as if all were well; half a model must never be published as whole.
    if trainer.interrupted or not (module.batches_done == sum(steps) or module.best.waited >= params.patience):
        raise UnrollError(f"training ended after {module.batches_done} of {sum(steps)} batches; run it again")
    task.network.load_state_dict(module.best.weights or task.network.state_dict())
    task.network.cpu().eval()


@contextmanager
def _denormals_are_nought() -> Iterator[None]:
    """Gradients that vanish pass below 1e-38 on their way to nought. There a processor takes many times as long for a
    product: a phase of training with attention took twice its time. Threads of torch that begin here stay so."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class _Module(lightning.LightningModule):
    def __init__(self, task: Task, params: Training, seed: int, report: Report, steps: list[int]) -> None:
        super().__init__()
        self.task, self.params, self.seed, self.report, self.steps = task, params, seed, report, steps
        self.network = task.network
        self.weights = [*task.network.parameters()]  # once: at every step the search for them would cost 0.05 ms
        self.before = [0, *accumulate(steps)]  # batches before each epoch
        self.checkpoint = Checkpoint.of(task.data, params, task.network, steps)
        self.schedule = Schedule(params, sum(steps))
        self.average = Average(params.average, self.weights)
        self.best = Best()
        self.reports: list[tuple[int, dict[str, float]]] = []
        self.first_epoch = self.first_batch = 0  # where this process begins
        self.batch = 0  # batches done in this epoch
        self.unsaved = 0  # batches since the last checkpoint
        self.state: Any = None
        self.losses: list[Tensor] = []  # of batches, since the last report
        self.norms: list[tuple[Tensor, Tensor]] = []  # of gradients before and after clipping, likewise
        self.saved = self.checkpoint.read() if self.checkpoint else None
        if self.saved:
            self._restore(self.saved)

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes every hook it calls, 47 a step, and nn.Module would look for a weight of that name: 0.13 ms.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def epoch(self) -> int:
        return self.first_epoch + self.current_epoch

    @property
    def batches_done(self) -> int:
        """In all epochs; between two of them, `batch` is still that of the one before."""
        return self.before[self.epoch] + (self.batch if self.epoch < len(self.steps) else 0)

    def configure_optimizers(self) -> Any:
        built = build(self.params, self.weights)
        if self.saved:
            built.load_state_dict(self.saved["optimizer"])
        return built

    def train_dataloader(self) -> Any:
        first = self.first_batch if self.current_epoch == 0 else 0
        batches = islice(self.task.train_batches(self.epoch), first, None)
        return Batches(batches, self.steps[self.epoch] - first, self.device)

    def val_dataloader(self) -> Any:
        batches = self.task.valid_batches()
        return Batches(batches, len(batches), self.device)

    def on_train_start(self) -> None:
        self.state = move_data_to_device(self.state, self.device)
        if self.saved:
            self.average.restore(self.saved["average"])
            self.trainer.precision_plugin.load_state_dict(self.saved["precision"])
            self.saved = None

    def on_train_epoch_start(self) -> None:
        self.batch = self.first_batch if self.current_epoch == 0 else 0
        if self.batch == 0:
            self.state = None

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        done = self.batches_done
        self._seed((self.seed << 31) + done)
        rate = self.params.learning_rate * self.schedule.factor(done, self.epoch)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def _seed(self, number: int) -> None:
        # Not torch.manual_seed: where there is no GPU that still formats a stack trace for each kind there might be.
        torch.default_generator.manual_seed(number)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(number)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        nats, count, self.state = self.task.loss(batch, self.state)
        loss = nats / count
        self.losses.append(loss.detach())
        return loss

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        self.norms.append(clip(self.weights, self.params.clip))

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        self.average.stepped()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self.batch += 1
        self.unsaved += 1
        planned = self.steps[self.epoch]
        if len(self.losses) >= max(1, planned // 10) or self.batch == planned:
            self._report_training(self.batch / planned)
        # Not after the last batch of an epoch: its validation belongs to it.
        if self.batch < planned and self.batch % self.params.accumulate == 0:
            self._save_if_due(self.epoch, self.batch)

    def on_train_epoch_end(self) -> None:
        if self.epoch + 1 < self.params.epochs and not self.trainer.should_stop:
            self._save_if_due(self.epoch + 1, 0)

    def _report(self, step: int, **values: float) -> None:
        self.reports.append((step, values))
        self.report(step, **values)

    def _report_training(self, share: float) -> None:
        # Read once per report and not per batch: reading a number makes a GPU wait.
        losses = torch.stack(self.losses).double().cpu()
        norms = [torch.stack(column).double().mean().item() for column in zip(*self.norms, strict=True)]
        self.losses, self.norms = [], []
        if not losses.isfinite().all():
            step = self.batches_done - len(losses) + 1 + int((~losses.isfinite()).nonzero()[0])
            clipping = self.params.clip
            limit = "" if clipping.kind == "none" else f" or training.clip.limit (it is {clipping.limit:g})"
            raise UnrollError(
                f"the training loss is not finite at step {step}; lower training.learning_rate "
                f"(it is {self.params.learning_rate:g}){limit}"
            )
        values = dict(zip(("gradient_norm", "gradient_norm_clipped"), norms, strict=False))  # none if no step was done
        total, done, before = self.before[-1], self.batches_done, self.batches_done - len(losses)
        if RADII * done // total > RADII * before // total:
            values |= largest_radii(self.network)
        self._report(
            done,
            epoch=self.epoch + share,
            train_loss=float(losses.mean()),
            learning_rate=self.trainer.optimizers[0].param_groups[0]["lr"],
            **values,
        )

    def on_validation_epoch_start(self) -> None:
        self.average.exchange()
        self.valid: list[tuple[Tensor, Tensor]] = []
        self.valid_state: Any = None

    def validation_step(self, batch: Any, batch_index: int) -> None:
        nats, count, self.valid_state = self.task.loss(batch, self.valid_state)
        self.valid.append((nats, count))

    def on_validation_epoch_end(self) -> None:
        nats, count = (torch.stack(column).double().sum() for column in zip(*self.valid, strict=True))
        loss = float(nats / count)
        self.best.validated(loss, self.network)
        self.average.exchange()
        self.average.validated(loss)
        self.schedule.validated(loss)
        self.trainer.should_stop = self.trainer.should_stop or self.best.waited >= self.params.patience
        self.log("valid_loss", loss, prog_bar=True)
        self._report(
            self.batches_done,
            epoch=self.epoch + 1.0,
            valid_loss=loss,
            valid_perplexity=math.exp(min(loss, 700.0)),
        )

    def _save_if_due(self, epoch: int, batch: int) -> None:
        """Write a checkpoint from which a run goes on at `batch` of `epoch`."""
        if self.checkpoint is None or self.unsaved < self.params.checkpoint_steps:
            return
        self.unsaved = 0
        self.checkpoint.write(
            {
                "epoch": epoch,
                "batch": batch,
                "network": self.network.state_dict(),
                "optimizer": self.trainer.optimizers[0].state_dict(),
                "precision": self.trainer.precision_plugin.state_dict(),
                "average": self.average.state(),
                "schedule": self.schedule.state(),
                "best": vars(self.best),
                "state": self.state,
                "losses": self.losses,
                "norms": self.norms,
                "reports": self.reports,
            }
        )

    def _restore(self, saved: dict[str, Any]) -> None:
        self.first_epoch, self.first_batch, self.state = saved["epoch"], saved["batch"], saved["state"]
        self.network.load_state_dict(saved["network"])
        self.schedule.restore(saved["schedule"])
        vars(self.best).update(saved["best"])
        self.losses, self.norms = saved["losses"], saved["norms"]
        logging.getLogger("unroll").info("going on after %d batches", self.before[saved["epoch"]] + saved["batch"])
        for step, values in saved["reports"]:
            self._report(step, **values)
