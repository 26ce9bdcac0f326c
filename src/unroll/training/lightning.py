"""What the training uses of PyTorch Lightning. This is the only module that imports it.

Lightning imports torchmetrics, which would import matplotlib and scipy for metrics that are not used here: 1 CPU second
and 90 MB in each training.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError
from types import ModuleType
from typing import Any

from unroll.params.training import Training


class _Absent(MetaPathFinder):
    """Answers for some packages, in the thread that made it, that they are not installed."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages, self.thread = frozenset(packages), threading.get_ident()

    def _hides(self, package: str | None) -> bool:
        return package in self.packages and threading.get_ident() == self.thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self._hides(package := fullname.partition(".")[0]):
            raise ModuleNotFoundError(f"{package} is hidden from this import", name=fullname)
        return None

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        if self._hides(context.name):
            raise PackageNotFoundError(context.name)
        return ()


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Import modules as if some packages were not installed.

    A package that is imported already is not hidden, since modules find it without a search.

    Args:
        packages: The names of packages, which are also the names of their distributions.
    """
    finder = _Absent(set(packages) - sys.modules.keys())
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with absent("matplotlib", "scipy"):
    import pytorch_lightning as lightning
    from pytorch_lightning.callbacks import TQDMProgressBar
    from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
    from pytorch_lightning.utilities import move_data_to_device

__all__ = ["LightningModule", "absent", "make_trainer", "move_data_to_device", "quiet"]
LightningModule = lightning.LightningModule
PRECISION: dict[int | str, Any] = {32: "32-true", 16: "16-mixed", "bf16": "bf16-mixed"}


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what Lightning says about matters that are settled here."""
    for name in ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings("ignore", module="lightning_fabric")
        yield


def make_trainer(params: Training, epochs: int, accelerator: str, devices: int | list[int], bar: bool) -> Any:
    """Make the trainer.

    Args:
        params: The settings of the training.
        epochs: The maximum number of epochs.
        accelerator: `cpu` or `cuda`.
        devices: The number of devices, or the numbers of the GPUs.
        bar: Whether a progress bar is shown.

    Returns:
        The `Trainer` of Lightning.
    """
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator=accelerator,
        devices=devices,
        plugins=[LightningEnvironment()],
        precision=PRECISION[params.precision],
        deterministic=True,
        accumulate_grad_batches=params.accumulate_grad_batches,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=bar,
        callbacks=[TQDMProgressBar()] if bar else [],
    )
