"""Train or read the vectors of tokens: python -m stages.embed VECTORS."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.train import train
from unroll import stage
from unroll.params import Root
from unroll.params.root import Experiment


def main(params: Root, name: str) -> None:
    from unroll.corpora.file import fetch
    from unroll.models import family
    from unroll.params.models import PretrainedParams
    from unroll.text.tokenizer import Tokenizer

    section = params.vectors[name]
    fit = family(section.family).fit
    with TemporaryDirectory() as folder:
        if isinstance(section, PretrainedParams):
            tokenizer = Tokenizer.load(Path("data/tokens") / section.tokens / "tokenizer.json")
            words = [tokenizer.token(token) for token in range(tokenizer.vocabulary_size)]
            fit = partial(fit, file=fetch(section.file, "vectors", Path(folder)), words=words)
        train(params, name, section, fit)


def questions(section: Experiment) -> Any:
    """The questions of analogy that vectors are measured by; of any other model none."""
    from unroll.corpora.file import fetch
    from unroll.evaluation import analogies

    file: Any = getattr(section, "analogies", "none")
    if file == "none":
        return {}
    with TemporaryDirectory() as folder:
        return analogies.read(fetch(file, "analogies", Path(folder)))


if __name__ == "__main__":
    stage.run(main, "vectors")
