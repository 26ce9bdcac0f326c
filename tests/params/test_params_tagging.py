"""Faults in the settings of tagged text, and what is not wrong."""

from collections.abc import Callable

import pytest

from tests.params.faults import Values, edit, refused
from unroll.params.corpora import ConlluCorpus, PathCorpus, UrlCorpus, corpus_format
from unroll.params.load import parse


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            edit("tokenizers.words.corpus", "phrases"),
            "tokenizers.words.type: is word, but corpus phrases is tagged text; tagged text needs type tagged",
        ),
        (
            edit("tokenizers.tagged.corpus", "prose"),
            "tokenizers.tagged.type: is tagged, but corpus prose is running text; tagged text needs type tagged",
        ),
        (
            edit("models.hmm_tagger.tokenizer", "words"),
            "models.hmm_tagger: family hmm_tagger needs a tokenizer of a corpus of tagged text, but tokenizers.words",
        ),
        (
            edit("models.lstm.tokenizer", "tagged"),
            "models.lstm: family recurrent needs a tokenizer of a corpus of running text, but tokenizers.tagged",
        ),
        (
            edit("corpora.phrases.lowercase", True),
            "oracles.tag_oracle: needs the words as they were sampled; set lowercase: false and cleaning: plain in "
            "corpora.phrases",
        ),
        (
            edit("oracles.tag_oracle.corpus", "prose"),
            "oracles.tag_oracle: needs the sampled corpus (source toy-tags) of its tokenizer; tokenizers.tagged is of",
        ),
        (
            edit(
                "learning_curves.hmm_tagger",
                {"family": "hmm_tagger", "tokenizer": "tagged", "oracle": "tag_oracle", "fractions": [0.5]},
            ),
            "learning_curves.hmm_tagger: hmm_tagger (family hmm_tagger) predicts no next token; give a language model",
        ),
        (edit("tokenizers.tagged.shared_vocabulary", True), "tokenizers.tagged.shared_vocabulary: "),
        (edit("models.hmm_tagger.order", 4), "models.hmm_tagger.order: "),
        (edit("corpora.phrases.tags", "POS"), "corpora.phrases.tags: "),
    ],
)
def test_one_sentence_names_the_setting(values: Values, change: Callable[[Values], None], sentence: str) -> None:
    change(values)
    assert refused(values).startswith(sentence)


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("tagged", "tagged"),
        ({"kind": "tagged", "token": 1, "tag": 4}, "tagged"),
        ({"kind": "conllu", "tag": "xpos"}, "tagged"),
        ("pairs", "pairs"),
    ],
)
def test_the_formats_of_a_file(values: Values, format: object, expected: str) -> None:
    text = {
        key: values["corpora"]["prose"][key] for key in values["corpora"]["prose"] if key not in ("packages", "source")
    }
    for corpus, place in (
        (PathCorpus, {"source": "path", "path": "a"}),
        (UrlCorpus, {"source": "url", "url": "https://a.b/c"}),
    ):
        made = corpus.model_validate(text | place | {"format": format, "unknown_word": "none"})
        assert corpus_format(made) == expected


def test_a_treebank_of_the_catalogue_has_a_tag(values: Values) -> None:
    text = {key: value for key, value in values["corpora"]["prose"].items() if key not in ("packages", "sha256")}
    values["corpora"]["ewt"] = text | {"source": "ud-english-ewt-small"}
    assert refused(dict(values)).startswith("corpora.ewt.tag: ")
    values["corpora"]["ewt"]["tag"] = "upos"
    corpus = parse(values, "params.yaml").corpora["ewt"]
    assert isinstance(corpus, ConlluCorpus)
    assert corpus_format(corpus) == "tagged"


@pytest.mark.parametrize(
    ("format", "sentence"),
    [
        ({"kind": "conllu", "tag": "pos"}, "corpora.mine.format.tag: "),
        ({"kind": "tagged", "token": 0, "tag": 2}, "corpora.mine.format.token: "),
        ({"kind": "tagged", "tag": 2}, "corpora.mine.format.token: "),
        ("conllu", "corpora.mine.format: "),
    ],
)
def test_a_fault_in_a_format_names_its_key(values: Values, format: object, sentence: str) -> None:
    text = {key: value for key, value in values["corpora"]["prose"].items() if key != "packages"}
    values["corpora"]["mine"] = text | {"source": "path", "path": "a", "unknown_word": "none", "format": format}
    assert refused(values).startswith(sentence)
