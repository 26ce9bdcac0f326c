"""Training by PyTorch Lightning.

The order of the data is a function of (seed, epoch), and dropout is seeded with (seed, batch). So the weights are the
same in every run of the same settings, and in a run that was killed and resumed (`unroll.training.checkpoint`).

If several ranks train, Lightning trains one process on each, and knows nothing of the others: its strategy for
distributed data (DDP) would start the whole stage once per rank, and average gradients in the order of gloo or NCCL.
"""

import logging
import sys
from collections.abc import Callable
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unroll.arithmetic.global_state import restored_global_state
from unroll.arithmetic.threads import flush_denormals
from unroll.errors import UnrollError
from unroll.params.training import Training
from unroll.training.batching import Batches
from unroll.training.checkpoint import Checkpoint
from unroll.training.device import torch_device
from unroll.training.early_stopping import EarlyStopping
from unroll.training.lightning import LightningModule, make_trainer, move_data_to_device, quiet
from unroll.training.measurements import Measurements
from unroll.training.optimizer import build_optimizer, clip_gradients
from unroll.training.ranks.launcher import hidden_launcher
from unroll.training.ranks.process_group import ALONE, Group
from unroll.training.ranks.shard import Shard
from unroll.training.schedule import Schedule
from unroll.training.task import Task, require_batches
from unroll.training.weight_averaging import WeightAveraging

Log = Callable[..., None]
"""Is called as `log(step, **values)`."""


@restored_global_state()
@hidden_launcher()
def fit(
    task: Task, params: Training, seed: int, log: Log, checkpoints: Path | None, device: str, group: Group | None = None
) -> None:
    """Train `task.network` in place. It ends with the weights of its best epoch on the valid split.

    Args:
        task: The network with its data and its loss.
        params: The settings of the training.
        seed: The random seed.
        log: Is called with the mean training loss about ten times an epoch, and with the validation loss after each
            epoch. A resumed training first repeats what it has logged before.
        checkpoints: The folder for checkpoints; None for no checkpoints.
        device: The device of the training, `cpu` or `cuda`.
        group: The ranks of the training (`unroll.training.ranks.join`); None for a training by one process.

    Raises:
        UnrollError: The loss is not finite, the data is too small, there is no such device, or a rank ended early.
    """
    group = group or ALONE
    if params.ranks != group.size:
        raise UnrollError(
            f"training.ranks is {params.ranks}, but {group.size} of the ranks are here; train by a stage, which starts "
            f"the others, or set training.ranks to {group.size}"
        )
    steps = [task.steps(epoch) for epoch in range(params.epochs)]
    require_batches(task, steps)
    accelerator = torch_device(device).type
    if params.precision == 16 and accelerator == "cpu":
        raise UnrollError("training.precision: 16 needs a GPU (device: cuda); write bf16 or 32")
    module = _Module(task, params, seed, log, checkpoints, steps, device, group)
    shows_progress = sys.stderr.isatty() and group.rank == 0
    with quiet(), flush_denormals():
        devices = 1 if group.size == 1 or accelerator == "cpu" else [torch.cuda.current_device()]
        trainer = make_trainer(params, params.epochs - module.first_epoch, accelerator, devices, shows_progress)
        # With deterministic algorithms torch also fills uninitialized memory, which is not needed here.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        trainer.fit(module)
    # Lightning returns normally from some interruptions, but an unfinished model must not be published.
    if trainer.interrupted or not (
        module.batches_done == sum(steps) or module.best.epochs_since_best >= params.patience
    ):
        raise UnrollError(f"training ended after {module.batches_done} of {sum(steps)} batches; run it again")
    task.network.load_state_dict(module.best.weights)
    task.network.cpu().eval()


class _Module(LightningModule):
    def __init__(
        self,
        task: Task,
        params: Training,
        seed: int,
        log: Log,
        checkpoints: Path | None,
        steps: list[int],
        device: str,
        group: Group,
    ) -> None:
        super().__init__()
        self.task, self.group = task if group.size == 1 else Shard(task, group), group
        self.params, self.seed, self.log_values, self.steps = params, seed, log, steps
        self.network = task.network
        self.weights = [*task.network.parameters()]  # listed once: it takes time to collect them
        self.before = [0, *accumulate(steps)]  # the number of batches before each epoch
        self.checkpoint = Checkpoint.for_training(checkpoints, task.data, params, task.network, steps, device, group)
        self.measurements = Measurements(params, task.network, sum(steps), group)
        self.schedule = Schedule(params, sum(steps))
        self.averaging = WeightAveraging(params.averaging, self.weights)
        self.best = EarlyStopping()
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.first_epoch = self.first_batch = 0  # where this process begins
        self.batch = 0  # the number of batches done in this epoch
        self.unsaved = 0  # the number of batches since the last checkpoint
        self.state: Any = None
        self.saved = self.checkpoint.read() if self.checkpoint else None
        if self.saved:
            self._restore(self.saved)

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning sets this name at every hook, and nn.Module would search its parameters for the name each time.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def epoch(self) -> int:
        return self.first_epoch + self.current_epoch

    @property
    def batches_done(self) -> int:
        """The number of batches done in all epochs. Between two epochs, `batch` is still that of the first of them."""
        return self.before[self.epoch] + (self.batch if self.epoch < len(self.steps) else 0)

    def configure_optimizers(self) -> Any:
        optimizer = build_optimizer(self.params, self.weights)
        if self.saved:
            optimizer.load_state_dict(self.saved["optimizer"])
        return optimizer

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
            self.averaging.restore(self.saved["averaging"])
            self.trainer.precision_plugin.load_state_dict(self.saved["precision"])
            self.saved = None

    def on_train_epoch_start(self) -> None:
        self.batch = self.first_batch if self.current_epoch == 0 else 0
        if self.batch == 0:
            self.state = None

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        done = self.batches_done
        self._seed_dropout(self.group.seed(self.seed, done))
        rate = self.params.learning_rate * self.schedule.factor(done, self.epoch)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def _seed_dropout(self, number: int) -> None:
        # torch.manual_seed also formats a stack trace for each kind of accelerator that is missing.
        torch.default_generator.manual_seed(number)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(number)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        nats, count, self.state = self.task.loss(batch, self.state)
        count = self.group.add(count)
        loss = nats / count.clamp(min=1)  # the losses of the ranks add up to the mean loss of the batch
        self.measurements.add_loss(loss, count)
        return loss

    def backward(self, loss: Tensor, *arguments: Any, **named: Any) -> None:
        if loss.requires_grad:  # not that of no rows
            super().backward(loss, *arguments, **named)

    def on_after_backward(self) -> None:
        done = self.batch + 1  # a step of the optimizer follows some batches, and the last one of an epoch
        if done % self.params.accumulate_grad_batches == 0 or done == self.steps[self.epoch]:
            self.group.add_gradients(self.weights)

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        self.measurements.add_norms(clip_gradients(self.weights, self.params.clip))

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        self.averaging.update()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self.batch += 1
        self.unsaved += 1
        planned = self.steps[self.epoch]
        if len(self.measurements.losses) >= max(1, planned // 10) or self.batch == planned:
            self._log_training(self.batch / planned)
        # The validation belongs to the last batch of an epoch, so no checkpoint is written before it.
        if self.batch < planned and self.batch % self.params.accumulate_grad_batches == 0:
            self._save_if_due(self.epoch, self.batch)

    def on_train_epoch_end(self) -> None:
        if self.epoch + 1 < self.params.epochs and not self.trainer.should_stop:
            self._save_if_due(self.epoch + 1, 0)

    def _log(self, step: int, **values: float) -> None:
        self.logged.append((step, values))
        self.log_values(step, **values)

    def _log_training(self, share: float) -> None:
        loss, values = self.measurements.summarize(self.batches_done)
        self._log(
            self.batches_done,
            epoch=self.epoch + share,
            train_loss=loss,
            learning_rate=self.trainer.optimizers[0].param_groups[0]["lr"],
            **values,
        )

    def on_validation_epoch_start(self) -> None:
        self.averaging.swap()
        self.valid: list[tuple[Tensor, Tensor]] = []
        self.valid_state: Any = None

    def validation_step(self, batch: Any, batch_index: int) -> None:
        nats, count, self.valid_state = self.task.loss(batch, self.valid_state)
        self.valid.append((nats, count))

    def on_validation_epoch_end(self) -> None:
        columns = zip(*self.valid, strict=True)
        nats, count = (self.group.add(torch.stack(column).double().sum()) for column in columns)
        loss = self.measurements.validation_loss(nats, count, self.epoch)
        self.group.require_equal_weights(self.network)
        self.best.update(loss, self.network)
        self.averaging.swap()
        self.averaging.record_validation(loss)
        self.schedule.record_validation(loss)
        self.trainer.should_stop = self.trainer.should_stop or self.best.epochs_since_best >= self.params.patience
        self.log("valid_loss", loss, prog_bar=True)
        self._log(self.batches_done, epoch=self.epoch + 1.0, valid_loss=loss)

    def _save_if_due(self, epoch: int, batch: int) -> None:
        """Write a checkpoint, if one is due, from which a training resumes at `batch` of `epoch`."""
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
                "averaging": self.averaging.state(),
                "schedule": self.schedule.state(),
                "best": vars(self.best),
                "logged": self.logged,
            },
            of_rank={"state": self.state, "measurements": self.measurements.state()},
        )

    def _restore(self, saved: dict[str, Any]) -> None:
        self.first_epoch, self.first_batch, self.state = saved["epoch"], saved["batch"], saved["state"]
        self.network.load_state_dict(saved["network"])
        self.schedule.restore(saved["schedule"])
        vars(self.best).update(saved["best"])
        self.measurements.restore(saved["measurements"])
        logging.getLogger("unroll").info("resuming after %d batches", self.before[saved["epoch"]] + saved["batch"])
        for step, values in saved["logged"]:
            self._log(step, **values)
