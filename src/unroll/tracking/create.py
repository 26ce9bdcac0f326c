"""Make an empty MLflow store: python -m unroll.tracking.create DATABASE ARTIFACTS."""

import logging
import sys
from pathlib import Path


def main(database: str, artifacts: str) -> None:
    """Make the database file with an experiment whose artifacts lie in the folder `artifacts`."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    client.create_experiment("unroll", artifact_location=Path(artifacts).resolve().as_uri())
    client.search_registered_models(max_results=1)  # this makes the tables of the registry, too


if __name__ == "__main__":
    main(*sys.argv[1:])
