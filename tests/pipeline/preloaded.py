"""What the process of `tests.pipeline.forked` imports before it is forked."""

import gc

import dvc.cli
import dvc.commands.data_sync
import dvc.commands.status
import dvc.repo
import mlflow
import mlflow.store.tracking.sqlalchemy_store

import tests
import unroll.cli
from unroll.garbage import collect_rarely

__all__ = ["dvc", "mlflow", "tests", "unroll"]
collect_rarely()
gc.freeze()
