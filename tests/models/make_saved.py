"""Make the saved models that test_saved.py loads: python -m tests.models.make_saved.

It trains a tiny model of every family with the functions of the pipeline, so each folder is complete, as stage train
writes it. They are written to tests/data/models/format_N, where N is the format of this release, and expected.json
holds what the models predict. Run it by hand when the format changes or a family is added. Existing folders are not
changed: all later releases must load them.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from tests import toy
from tests.models.labelled import BAG
from tests.models.labelled import NETWORK as RECURRENT_CLASSIFIER
from tests.models.ngrams import SMOOTHINGS
from tests.models.test_contract import BIDIRECTIONAL, ONE_HOT, RECURRENT, SEQ2SEQ, TRANSFORMER, UNDROPPED, WINDOW
from tests.models.test_masked_transformer import MASKED_TRANSFORMER
from tests.models.test_taggers import TAGGER
from unroll import models
from unroll.corpora import fetch
from unroll.fingerprint import describe, resolve
from unroll.models.base import folder, storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.label_protocol import Classifier, Tagger
from unroll.models.base.protocol import ClozeModel, ConditionalModel, LanguageModel, WordVectors
from unroll.params.load import parse
from unroll.params.root import Root
from unroll.params.word_vectors import OMITTED
from unroll.text import streams
from unroll.text.clean import clean
from unroll.text.partition import partition
from unroll.text.streams import Data
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.vocabulary import EOS, UNK
from unroll.use.loading import load

ROOT = Path(__file__).parents[2]
SAVED = ROOT / "tests" / "data" / "models"
FORMAT_FOLDER = SAVED / f"format_{storage.FORMAT}"
EXPECTED = "expected.json"
# test_saved.py needs the next two as they are.
TEXT = "The old cat saw a bird, and the bird saw the old tree."
"""A text whose token ids test the tokenizer and the cleaning of a folder."""
DOCUMENTS = [[4, 5, 6, EOS], [7, UNK, 4, 4, 5, EOS], [EOS]]

ANIMALS = ["the old cat saw a bird", "the bird saw the cat", "a cat saw the old bird", "the old bird saw a cat"]
PLANTS = ["a tall tree grew", "the old tree grew tall", "a flower grew near the tree", "the tall tree saw the old tree"]
LINES = [line for pair in zip(ANIMALS, PLANTS, strict=True) for line in pair]
PAIRS = [
    *("the cat sees the bird\tde kat ziet de vogel", "the bird sees the cat\tde vogel ziet de kat"),
    *("a tree grows\teen boom groeit", "the cat sleeps\tde kat slaapt", "a bird sleeps\teen vogel slaapt"),
    *("the tree sleeps\tde boom slaapt", "a cat sees a tree\teen kat ziet een boom", "a cat sleeps\teen kat slaapt"),
]
WORD_TAGS = {"the": "DET", "a": "DET", "cat": "NOUN", "bird": "NOUN", "tree": "NOUN", "tall": "ADJ", "saw": "VERB"}
WORD_TAGS |= {"grew": "VERB", "flower": "NOUN", "near": "ADP", "old": "ADJ"}
TAGGED = ["".join(f"{word}\t{WORD_TAGS[word]}\n" for word in line.split()) for line in LINES]
FILES = {
    "text.txt": "".join(f"{line}\n" for line in LINES),
    "labelled.tsv": "".join(f"{('animal', 'plant')[i % 2]}\t{line}\n" for i, line in enumerate(LINES)),
    "pairs.tsv": "".join(f"{pair}\n" for pair in PAIRS),
    "tagged.tsv": "".join(f"{sentence}\n" for sentence in TAGGED),
    "more.txt": "the 1 0.5\ncat -2 0\nparis 0.25 4\nnew york 1 1\n",
    "vectors.txt": "the 1 0.5 0 0\ncat -2 0 1 0\nbird 0.25 4 0 1\ntree 0 0 1 1\n",
}


def path_settings(name: str) -> dict[str, str]:
    """Return the settings that name one of FILES."""
    return {"source": "path", "path": name, "sha256": hashlib.sha256(FILES[name].encode()).hexdigest()}


CORPUS = {"cleaning": "plain", "invisible": "drop", "lowercase": True, "empty": "drop", "max_characters": 1000}
CORPUS |= {"duplicates": {"kind": "exact", "drop": False}, "splits": {"by": "position", "valid": 0.2, "test": 0.2}}
TEXT_CORPUS = CORPUS | {"documents": "line", "encoding": "utf-8", "errors": "strict", "markup": "keep"}
SAMPLED = {"sha256": None, "seed": 1, "vocabulary_size": 4, "expected_tokens": 200}
CORPORA = {
    "text": TEXT_CORPUS | path_settings("text.txt") | {"format": "text", "unknown_word": "none"},
    "labelled": TEXT_CORPUS | path_settings("labelled.tsv") | {"format": "labelled", "unknown_word": "none"},
    "pairs": TEXT_CORPUS | path_settings("pairs.tsv") | {"format": "pairs", "unknown_word": "none"},
    "tagged": TEXT_CORPUS | path_settings("tagged.tsv") | {"format": "tagged", "unknown_word": "none"},
    "phrases": CORPUS
    | {"source": "toy-tags", "sha256": None, "seed": 1, "sentences": 20, "tags": "pos", "lowercase": False},
    "markov": CORPUS | SAMPLED | {"source": "markov", "order": 1, "concentration": 0.5, "stop_probability": 0.2},
    "hmm": CORPUS
    | SAMPLED
    | {
        "source": "hmm",
        "states": 3,
        "transition_concentration": 0.5,
        "emission_concentration": 0.5,
        "stop_probability": 0.2,
    },
    "pcfg": CORPUS
    | SAMPLED
    | {
        "source": "pcfg",
        "nonterminals": 3,
        "rules": 3,
        "branching": 0.3,
        "rule_concentration": 1.0,
        "emission_concentration": 0.5,
    },
}
WORDS = {"type": "word", "pretokenizer": "punctuation", "min_count": 1, "vocabulary_size": "all"}
WORDS |= {"shared_vocabulary": True, "sequence_length": 5}
TAGGED_WORDS = {"type": "tagged", "min_count": 1, "vocabulary_size": "all", "suffix_length": 2, "suffix_min_count": 2}
TAGGED_WORDS |= {"shared_vocabulary": False, "sequence_length": 5}
TOKENIZERS = {
    **{name: WORDS | {"corpus": name} for name in CORPORA if name not in ("tagged", "phrases")},
    **{name: TAGGED_WORDS | {"corpus": name} for name in ("tagged", "phrases")},
    "separate": WORDS | {"corpus": "pairs", "shared_vocabulary": False},
    "char": {"corpus": "text", "type": "char", "min_count": 1, "shared_vocabulary": True, "sequence_length": 5},
    "bpe": {
        "corpus": "text",
        "type": "bpe",
        "base_alphabet": "characters",
        "vocabulary_size": 40,
        "max_training_characters": 1000,
        "shared_vocabulary": True,
        "sequence_length": 5,
    },
}
SMOOTHING_SETTINGS = SMOOTHINGS | {"jelinek_mercer": {"iterations": 3}}
NGRAM = {"family": "ngram", "tokenizer": "text", "order": 3, "prune": [0]}
ADD_K = NGRAM | {"order": 2, "smoothing": {"kind": "add_k", "k": 0.1}}
TINY = {"tokenizer": "text", "embedding_size": 4, "hidden_size": 4, "training": toy.TRAINING | {"batch_size": 2}}
VECTOR_SETTINGS = {"tokenizer": "text", "oov_init": "mean", "analogies": "none"}
MODELS = {
    "ngram_char": NGRAM | {"tokenizer": "char", "smoothing": {"kind": "kneser_ney", "fallback": 0.6}},
    "ngram_bpe": ADD_K | {"tokenizer": "bpe"},
    **{f"ngram_{kind}": NGRAM | {"smoothing": {"kind": kind, **values}} for kind, values in SMOOTHING_SETTINGS.items()},
    "hmm": {"family": "hmm", "tokenizer": "text", "states": 2, "pseudo_count": 0.01, "restarts": 1}
    | {"restart_tokens": 100, "restart_iterations": 1, "iterations": 3, "tolerance": 0.0},
    "cache": {"family": "cache", "tokenizer": "text", "window": 5, "decay": 0.9, "uniform": 0.5},
    "naive_bayes": {"family": "naive_bayes", "tokenizer": "labelled", "order": 2, "pseudo_count": 0.5}
    | {"priors": "empirical"},
    "bag_of_embeddings": BAG | {"tokenizer": "labelled", "embedding_size": 4, "training": TINY["training"]},
    "recurrent_classifier": RECURRENT_CLASSIFIER
    | TINY
    | {"tokenizer": "labelled", "bidirectional": True, "pooling": "attention"},
    "window": WINDOW | TINY,
    "recurrent": RECURRENT | TINY | {"cell": "lstm"},
    "recurrent_attention": RECURRENT | TINY | {"cell": "gru", "attention": {"kind": "additive", "context": 3}},
    "recurrent_one_hot": RECURRENT | TINY | {"cell": "gru_reset_before"} | ONE_HOT | UNDROPPED,
    "recurrent_layers": RECURRENT
    | TINY
    | {"cell": "gru", "layers": 2, "hidden_size": [3, 4], "tie_weights": False}
    | {"softmax": {"kind": "adaptive", "cutoffs": [4, 8], "div_value": 2.0}},
    "bidirectional": BIDIRECTIONAL | TINY | {"cell": "rnn"},
    "transformer": TRANSFORMER
    | {"tokenizer": "text", "hidden_size": 4, "feedforward_size": 4, "layers": 1, "training": TINY["training"]},
    "masked_transformer": MASKED_TRANSFORMER
    | {"tokenizer": "text", "hidden_size": 4, "feedforward_size": 4, "layers": 1, "training": TINY["training"]},
    "seq2seq": SEQ2SEQ | TINY | {"tokenizer": "pairs", "cell": "gru", "attention": "dot", "share_embeddings": True},
    "seq2seq_separate": SEQ2SEQ | TINY | {"tokenizer": "separate"},
    "hmm_tagger": {"family": "hmm_tagger", "tokenizer": "tagged", "order": 3, "smoothing": {"kind": "interpolated"}}
    | {"word_pseudo_count": 0.1, "rare_count": 1, "shape_pseudo_count": 0.1},
    "recurrent_tagger": TAGGER | TINY | {"tokenizer": "tagged", "crf": True},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "models": MODELS,
    "mixtures": {
        "mixture": {"family": "mixture", "tokenizer": "text", "first": "ngram_add_k", "second": "cache"}
        | {"iterations": 20, "tolerance": 0.0}
    },
    "generative_classifiers": {
        "generative_classifier": {"family": "generative_classifier", "tokenizer": "labelled", "priors": "uniform"}
        | {"member": ADD_K | {"tokenizer": "labelled"}}
    },
    "oracles": {
        f"oracle_{kind}": {"family": "oracle", "tokenizer": kind, "corpus": kind} for kind in ("markov", "hmm", "pcfg")
    }
    | {"tag_oracle": {"family": "tag_oracle", "tokenizer": "phrases", "corpus": "phrases"}},
    "vectors": {
        "word2vec": VECTOR_SETTINGS
        | OMITTED["word2vec"]
        | {"family": "word2vec", "algorithm": "skip_gram", "matrix": "input", "size": 4, "window": 2, "negative": 2}
        | {"noise_exponent": 0.75, "subsample": 0.0, "epochs": 2, "learning_rate": 0.05, "final_learning_rate": 0.001},
        "word2vec_softmax": VECTOR_SETTINGS
        | {
            "family": "word2vec",
            "algorithm": "cbow",
            "objective": "softmax",
            "matrix": "output",
            "size": 4,
            "window": 2,
        }
        | {
            "shrink_windows": False,
            "negative": 0,
            "noise_exponent": 0.0,
            "subsample": 0.0,
            "epochs": 2,
            "batch_size": 4,
        }
        | {"learning_rate": 0.1, "final_learning_rate": 0.01},
        "glove": VECTOR_SETTINGS
        | {"family": "glove", "size": 4, "window": 2, "symmetric": True, "x_max": 10.0, "alpha": 0.75}
        | {"matrix": "sum", "epochs": 2, "batch_size": 4, "learning_rate": 0.05},
        "vector_file": VECTOR_SETTINGS
        | {"family": "vector_file", "keep": "vocabulary", "file": path_settings("vectors.txt")},
        "vector_file_all": VECTOR_SETTINGS
        | {"family": "vector_file", "keep": "all", "file": path_settings("more.txt")},
    },
    "pretrained": {"pretrained": WINDOW | TINY | {"vectors": "vector_file", "freeze_embeddings": False}},
    "seeds": {"seeds": {"family": "window", "tokenizer": "text", "model": "window", "seed": 2}},
}


def main() -> None:
    """Write the models that the folder of this format lacks, and what they predict."""
    FORMAT_FOLDER.mkdir(parents=True, exist_ok=True)
    file = FORMAT_FOLDER / EXPECTED
    expected = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    with TemporaryDirectory() as workspace:
        os.chdir(workspace)
        for name, trained in train_all():
            if not (FORMAT_FOLDER / name).exists():
                shutil.copytree(trained, FORMAT_FOLDER / name)
                expected[name] = predict(FORMAT_FOLDER / name)
    file.write_text(json.dumps(expected, sort_keys=True) + "\n", encoding="utf-8")


def train_all() -> Iterator[tuple[str, Path]]:
    """Train all models in the current folder, and yield the name and the folder of each."""
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    params = settings()
    partitions = prepare(params)
    Path("models").mkdir()
    for name, entry in params.experiments.items():
        trained, seed = resolve(params, name)
        data = replace(partitions[entry.tokenizer], seed=seed)
        model = models.family(trained.family).fit(trained, data, Inputs(), lambda *_, **__: None)
        folder.save(model, Path("models") / name, describe(params, name))
        yield name, Path("models") / name


def settings() -> Root:
    """Return the settings of this file. Sections that are not trained are those of params.yaml."""
    values = YAML(typ="safe").load(ROOT / "params.yaml") | {"corpora": CORPORA, "tokenizers": TOKENIZERS}
    return parse(values | {"learning_curves": {}, "series": {}} | SETTINGS, "tests/models/make_saved.py")


def prepare(params: Root) -> dict[str, Data]:
    """Run the stages download, clean, tokenize and partition, and return the partition of each tokenizer."""
    for name, corpus in params.corpora.items():
        fetch(corpus, folder_of("raw", name))
        clean(corpus, Path("data/raw") / name, folder_of("clean") / f"{name}.parquet")
    partitions = {}
    for name, tokenizer in params.tokenizers.items():
        tokenize(tokenizer, Path("data/clean") / f"{tokenizer.corpus}.parquet", folder_of("tokens", name))
        partition(tokenizer, name, params.seed, Path("data/tokens") / name, folder_of("partitions", name))
        partitions[name] = streams.load(Path("data/partitions") / name)
    return partitions


def folder_of(*names: str) -> Path:
    """Return a folder of `data`, which is made if it does not exist."""
    path = Path("data", *names)
    path.mkdir(parents=True, exist_ok=True)
    return path


def predict(path: Path) -> dict[str, Any]:
    """Return what a saved model predicts, as JSON values, and the token ids of TEXT."""
    text_model = load(path)
    model, found = text_model.model, {"ids": text_model.encode(TEXT).tolist()}
    documents = [np.asarray(document) for document in DOCUMENTS]
    if isinstance(model, ConditionalModel):
        model = model.condition_on([np.asarray(document[:-1] or [4]) for document in DOCUMENTS])
    if isinstance(model, LanguageModel):
        state = model.start(len(DOCUMENTS))
        for tokens in ([4, 5, 6], [7, 4, 5]):
            state = model.advance(state, np.asarray(tokens))
        found["next_log_probs"] = np.asarray(model.next_log_probs(state)).tolist()
        found["log_probs"] = [scores.tolist() for scores in model.log_probs(documents)]
    if isinstance(model, ClozeModel):
        found["cloze_log_probs"] = [scores.tolist() for scores in model.cloze_log_probs(documents)[0]]
    if isinstance(model, Classifier):
        found["classes"], found["log_posteriors"] = model.classes, model.log_posteriors(documents).tolist()
    if isinstance(model, Tagger):
        sentences = [np.asarray([[4, 4], [UNK, 5], [5, UNK]]), np.asarray([[6, 4]])]
        found["tags"] = model.tags
        found["tag_log_posteriors"] = [log_probs.tolist() for log_probs in model.tag_log_posteriors(sentences)]
    if isinstance(model, WordVectors):
        found["vectors"], found["known"] = model.vectors.tolist(), model.known.tolist()
        if model.other_words:
            found["other_vectors"] = model.other_vectors.tolist()
    return found


if __name__ == "__main__":
    main()
