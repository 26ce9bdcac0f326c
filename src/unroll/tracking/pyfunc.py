"""A trained model behind MLflow's `predict`: texts in; log-likelihood, tokens and perplexity (or translations) out.

This file is stored with the model and executed when it is loaded ("models from code"): nothing is pickled.
"""

from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class TextModel(PythonModel):
    def load_context(self, context: PythonModelContext) -> None:
        from unroll.use import load

        self.model = load(Path(context.artifacts["folder"]))

    # MLflow reads the type of the input from the hint, and complains of an output whose type depends on the model.
    def predict(self, context: PythonModelContext, model_input: list[str], params: dict[str, Any] | None = None):  # type: ignore[no-untyped-def]
        return self.model.predict(model_input)


mlflow.models.set_model(TextModel())
