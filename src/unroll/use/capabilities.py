"""What can be asked of a model, by the contract it keeps."""

from pathlib import Path
from typing import Any, NoReturn

from unroll.errors import UnrollError
from unroll.models.base.protocol import Classifier, ConditionalModel, LanguageModel, WordVectors

LANGUAGE = ("score", "evaluate", "compare", "generate", "complete", "rescore", "judge", "spell")
VERBS: dict[type, tuple[str, ...]] = {
    LanguageModel: LANGUAGE,
    ConditionalModel: ("translate",),
    Classifier: ("classify",),
    WordVectors: ("similar", "analogy"),
}


def verbs(model: Any) -> list[str]:
    """The verbs that work with `model`."""
    return [verb for contract, these in VERBS.items() if isinstance(model, contract) for verb in these]


def refuse(model: Any, folder: Path, wanted: str) -> NoReturn:
    """The error for a model that cannot do what is `wanted` of it."""
    can = verbs(model)
    listed = ", ".join(can[:-1]) + f" and {can[-1]}" if len(can) > 1 else "".join(can) or "nothing here"
    raise UnrollError(f"{folder}: does not {wanted}; it can {listed}")
