"""Train or read the vectors of tokens: python -m stages.embed VECTORS."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll.corpora.file import fetch
    from unroll.models import family
    from unroll.text.tokenizer import Tokenizer

    section = params.vectors[name]
    fit = family(section.family).fit
    with TemporaryDirectory() as folder:
        if section.family == "pretrained":
            tokenizer = Tokenizer.load(Path("data/tokens") / section.tokens / "tokenizer.json")
            words = [tokenizer.token(token) for token in range(tokenizer.vocabulary_size)]
            fit = partial(fit, file=fetch(section.file, "vectors", Path(folder)), words=words)
        train(params, name, section, fit, live=False)


def questions(section: Any) -> Any:
    """The questions of analogy that vectors are measured by; of any other model none."""
    from unroll.corpora.file import fetch
    from unroll.evaluation import analogies

    if getattr(section, "analogies", "none") == "none":
        return {}
    with TemporaryDirectory() as folder:
        return analogies.read(fetch(section.analogies, "analogies", Path(folder)))


if __name__ == "__main__":
    stage.run(main, "vectors")
