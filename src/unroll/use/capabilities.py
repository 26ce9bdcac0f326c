"""The verbs that a model supports, which depend on the protocols that it implements."""

from pathlib import Path
from typing import Any, NoReturn

from unroll.errors import UnrollError
from unroll.models.base.label_protocol import Classifier, Tagger
from unroll.models.base.protocol import ClozeModel, ConditionalModel, ContextualModel, LanguageModel, WordVectors

VERBS: dict[type, tuple[str, ...]] = {
    LanguageModel: ("score", "evaluate", "compare", "generate", "complete", "rescore", "judge", "spell", "correct"),
    ConditionalModel: ("translate",),
    Classifier: ("classify",),
    Tagger: ("tag",),
    WordVectors: ("similar", "analogy", "similarity"),
    ClozeModel: ("fill",),
    ContextualModel: ("vectors",),
}


def supported_verbs(model: Any) -> list[str]:
    """Return the verbs of the command line that work with `model`."""
    return [verb for protocol, verbs in VERBS.items() if isinstance(model, protocol) for verb in verbs]


def raise_unsupported(model: Any, folder: Path, purpose: str) -> NoReturn:
    """Raise the error of a model that does not support a purpose.

    Args:
        model: The model.
        folder: The folder of the model, for the message.
        purpose: A verb, for example "score". The message continues "does not" with it.

    Raises:
        UnrollError: Always. The message lists the verbs that the model supports.
    """
    verbs = ", ".join(supported_verbs(model)) or "no verb"
    raise UnrollError(f"{folder}: does not {purpose}; it supports: {verbs}")
