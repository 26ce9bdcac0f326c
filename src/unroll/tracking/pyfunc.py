"""A trained model behind MLflow's `predict`: texts in; log-likelihood, tokens and perplexity (or translations) out.

This file is stored with the model and executed when it is loaded ("models from code"): nothing is pickled.
"""

import math
from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext


class TextModel(PythonModel):
    def load_context(self, context: PythonModelContext) -> None:
        from unroll.use import load

        self.model = load(Path(context.artifacts["folder"]))

    def predict(self, model_input: list[str]) -> list[dict[str, Any]]:
        return self.model.predict(model_input)


mlflow.models.set_model(TextModel())
