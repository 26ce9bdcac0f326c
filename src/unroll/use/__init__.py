"""The Python interface to trained models: one module for each thing that can be done with text.

Example:
    model = unroll.load("models/lstm")
    model.score(["the students opened their books"])
    model.generate("the students opened their", count=3, length=20, temperature=0.8, seed=1)
"""

from unroll.models.base.folder import save
from unroll.use.loading import load
from unroll.use.model import TextModel
from unroll.use.scoring import LineScore

__all__ = ["LineScore", "TextModel", "load", "save"]
