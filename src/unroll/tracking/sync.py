"""Make runs from files: for stages without a live run, and for trainings that DVC restored or skipped.

A result is identified by its stage, its name and the hashes of its params, its data and itself. If there is no finished
run with these tags, one is made from the files of the stage. So a second sync makes no run.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from unroll.params.fingerprint import file_hash, fingerprint
from unroll.tracking import store
from unroll.tracking.record import Record
from unroll.tracking.run import RESULT, run


def sync(records: Sequence[Record]) -> list[str]:
    """Make the runs that are missing.

    Args:
        records: The results that should have a run.

    Returns:
        A line for each run that was made, and for each name whose files are missing or belong to other params.
    """
    address = store.prepare()
    import mlflow

    client = mlflow.MlflowClient(address)
    lines = []
    for record in records:
        hashes = _hashes(record)
        if hashes is None:
            lines.append(
                f"{record.name}: files are missing or belong to other values of params.yaml; run `dvc repro`"
            )
        elif not _has_run(client, record, hashes):
            with run(record.stage, record.name, record.params, record.data) as made:
                client.set_tag(made.run_id, "unroll.synced", "true")
                record.log(made)
                made.log_result(record.result)
            lines.append(f"{record.name}: {record.stage} logged from its files")
    return list(dict.fromkeys(lines))


def _hashes(record: Record) -> dict[str, str] | None:
    """Return the hashes of the params and the data; None if files are missing or belong to other params or data."""
    if not all(path.exists() for path in (record.metrics, record.data, record.result, *record.files)):
        return None
    hashes = fingerprint(record.params, record.data)
    metrics = json.loads(record.metrics.read_text(encoding="utf-8"))
    return hashes if all(metrics.get(key) == value for key, value in hashes.items()) else None


def _has_run(client: Any, record: Record, hashes: Mapping[str, str]) -> bool:
    tags = {"stage": record.stage, "model": record.name, "params": hashes["params_hash"], "data": hashes["data_hash"]}
    wanted = " and ".join(f"tags.`unroll.{key}` = '{value}'" for key, value in tags.items())
    wanted += f" and tags.`{RESULT}` = '{file_hash(record.result)}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([store.experiment_id(client)], wanted, max_results=1))
