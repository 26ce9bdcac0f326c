"""Measure one model on the test split: python -m stages.evaluate MODEL."""

import json
from pathlib import Path

from stages.embed import questions
from unroll import stage
from unroll.params import Root
from unroll.params.corpora import SampledCorpus


def main(params: Root, name: str) -> None:
    from unroll import models, partition, tracking
    from unroll.evaluation.evaluate import Tokenizers, evaluate
    from unroll.text.tokenizer import Tokenizer

    section, folder = params.experiments[name], Path("models") / name
    partitions, corpus = Path("data/partitions") / section.tokens, params.tokens[section.tokens].corpus
    outputs = Path("metrics") / f"{name}.json", Path("reports/samples") / f"{name}.txt", Path("data/evaluations") / name
    with stage.publish(*outputs) as (metrics, samples, details):
        data, path = partition.load(partitions), folder / "tokenizer.json"
        tokenizers = Tokenizers(Tokenizer.load(path, side="source"), Tokenizer.load(path))
        cache = models.family("cache").Model(params.evaluate.cache, data.vocabulary_size)
        known = isinstance(params.corpora[corpus], SampledCorpus)
        model, asked = models.load(folder), questions(section)
        found = evaluate(model, cache, data, tokenizers, params.evaluate, params.seed, known, asked)
        hashes = tracking.fingerprint(section.model_dump(), partitions)
        about = {"family": section.family, "tokens": section.tokens, "corpus": corpus, **hashes}
        described = {**about, "parameters": models.size(folder), **found.write(details)}
        metrics.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
        samples.write_text(found.samples, encoding="utf-8")


if __name__ == "__main__":
    stage.run(main, "experiments")
