"""A trained model as an MLflow flavor: its folder and the code of this package, without pickle.

`mlflow.models.Model.log` calls `save_model`, and `mlflow.pyfunc.load_model` calls `_load_pyfunc`. The `predict` of the
model takes texts and returns log-likelihood, tokens and perplexity of each, translations, or classes.
`mlflow.pyfunc.log_model` is not used, since it searches all installed packages for the requirements.
"""

import platform
import shutil
from pathlib import Path
from typing import Any

FOLDER, CODE = "folder", "code"
REQUIREMENTS = ["torch", "safetensors", "tokenizers", "numpy", "pydantic", "ruamel.yaml", "filelock"]


def save_model(path: str, mlflow_model: Any, folder: Path, code: Path | None = None) -> None:
    """Write a trained model as an MLflow model.

    Args:
        path: The folder to make.
        mlflow_model: The `mlflow.models.Model` to complete.
        folder: The folder of the trained model.
        code: The folder of this package as it was when the model was trained, by default the one that runs.
    """
    package, target = code or Path(__file__).resolve().parents[1], Path(path)
    shutil.copytree(folder, target / FOLDER)
    shutil.copytree(package, target / CODE / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (target / "requirements.txt").write_text("".join(f"{name}\n" for name in REQUIREMENTS), encoding="utf-8")
    version = platform.python_version()
    # `mlflow.pyfunc.add_to_model` does the same, but its module takes long to import.
    mlflow_model.add_flavor(
        "python_function", loader_module=__name__, python_version=version, data=FOLDER, code=CODE, env={}
    )
    mlflow_model.save(str(target / "MLmodel"))


class Predictor:
    """The object that `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, folder: Path) -> None:
        """Load the model of a folder."""
        from unroll.use import load

        self.model = load(folder)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Apply the model to texts.

        Args:
            model_input: A list of texts, or a table with the texts in its first column, as a served model receives it.
            params: Not used.

        Returns:
            A dictionary for each text.
        """
        texts = model_input.iloc[:, 0] if hasattr(model_input, "iloc") else model_input
        return self.model.predict([str(text) for text in texts])


def _load_pyfunc(path: str) -> Predictor:
    return Predictor(Path(path))
