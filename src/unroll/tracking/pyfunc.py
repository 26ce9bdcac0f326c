"""A trained model as an MLflow flavor: its own folder and this package, nothing pickled.

`save_model` is what `mlflow.models.Model.log` calls; `_load_pyfunc` is what `mlflow.pyfunc.load_model` calls. The
model's `predict` takes texts and gives log-likelihood, tokens and perplexity of each (or translations).
`mlflow.pyfunc.log_model` would do as much, after a search of every installed package for the name of each requirement:
one to thirteen seconds a model.
"""

import platform
import shutil
from pathlib import Path
from typing import Any

FOLDER, CODE = "folder", "code"
REQUIREMENTS = ["torch", "safetensors", "tokenizers", "numpy", "pydantic", "ruamel.yaml", "filelock"]


def save_model(path: str, mlflow_model: Any, folder: Path) -> None:
    """Write the MLflow model that stands for the model of `folder` to the new folder `path`."""
    package, target = Path(__file__).resolve().parents[1], Path(path)
    shutil.copytree(folder, target / FOLDER)
    shutil.copytree(package, target / CODE / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (target / "requirements.txt").write_text("".join(f"{name}\n" for name in REQUIREMENTS), encoding="utf-8")
    version = platform.python_version()
    # As `mlflow.pyfunc.add_to_model` does; to import that module for it would take a second.
    mlflow_model.add_flavor(
        "python_function", loader_module=__name__, python_version=version, data=FOLDER, code=CODE, env={}
    )
    mlflow_model.save(str(target / "MLmodel"))


class Predictor:
    """What `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, folder: Path) -> None:
        from unroll.use import load

        self.model = load(folder)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """One dictionary per text of a list, or of the first column of a table (as a served model receives it)."""
        texts = model_input.iloc[:, 0] if hasattr(model_input, "iloc") else model_input
        return self.model.predict([str(text) for text in texts])


def _load_pyfunc(path: str) -> Predictor:
    return Predictor(Path(path))
