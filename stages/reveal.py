"""Make the true model of a sampled corpus: python -m stages.reveal TRUTH."""

from functools import partial
from pathlib import Path

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll.models import source
    from unroll.text.tokenizer import Tokenizer

    section = params.truths[name]
    tokenizer = Tokenizer.load(Path("data/tokens") / section.tokens / "tokenizer.json")
    fit = partial(source.fit, raw=Path("data/raw") / section.corpus, tokenizer=tokenizer)
    train(params, name, section, fit, live=False)


if __name__ == "__main__":
    stage.run(main, "truths")
