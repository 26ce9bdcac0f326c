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

    def predict(self, context: PythonModelContext, model_input: Any, params: Any = None) -> list[dict[str, Any]]:
        return self.model.predict(list(model_input))


mlflow.models.set_model(TextModel())
