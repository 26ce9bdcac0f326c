"""Real corpora have their published counts."""

import csv
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import tagged
from tests.text.conftest import CORPUS, Workshop, chars, words
from unroll.corpora import fetch
from unroll.params.corpora import ConlluCorpus
from unroll.text.clean import clean
from unroll.text.partition import partition
from unroll.text.streams import SPLITS, load
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import UNK

pytestmark = pytest.mark.mirror
BY_SOURCE = {"by": "source", "valid": 0.1, "test": 0.1}


def predicted(workshop: Workshop, params: Any) -> dict[str, int]:
    """Return the number of tokens of each split, with one `<eos>` per document."""
    tokenize(params, workshop.out, workshop.folder)
    partition(params, "tiny", 1, workshop.folder, workshop.folder)
    data = load(workshop.folder)
    return {split: data.streams[split]["text"].predicted for split in SPLITS}


def test_time_machine_has_the_counts_of_dive_into_deep_learning(workshop: Workshop, mirror: Path) -> None:
    workshop.add((mirror / "timemachine/timemachine.txt").read_bytes())
    texts = workshop.texts(cleaning="letters", lowercase=True)
    assert sum(map(len, texts)) == 170_580
    everything = [word for text in texts for word in text.split()]
    assert (len(everything), len(set(everything))) == (32_775, 4_579)
    assert workshop.counts["dropped"] == {"empty": 373}


@pytest.mark.slow
def test_ptb_has_its_tokens_and_no_other_unknown_word_in_test(workshop: Workshop, mirror: Path) -> None:
    for split in SPLITS:
        content = (mirror / f"ptb/ptb.{split}.txt").read_bytes()
        workshop.add(content, f"{split}.txt", split=split, unknown_word="<unk>")
    workshop.clean(splits=BY_SOURCE, empty="keep")
    assert predicted(workshop, words()) == {"train": 929_589, "valid": 73_760, "test": 82_430}
    data = load(workshop.folder)
    assert data.counts["test"]["text"]["oov"] == _count(workshop, "<unk>", "test") == 4_794
    assert data.vocabulary_size == 10_000 + 2  # <eos> and <unk> are two of the 10,000; <pad> and <bos> come to it


def wikitext_2(workshop: Workshop, mirror: Path, **settings: Any) -> None:
    for split in SPLITS:
        content = (mirror / f"wikitext-2/{split}.txt").read_bytes()
        workshop.add(content, f"{split}.txt", split=split, unknown_word="<unk>")
    workshop.clean(splits=BY_SOURCE, empty="keep", max_characters=100_000, **settings)


@pytest.mark.slow
def test_wikitext_2_has_its_tokens(workshop: Workshop, mirror: Path) -> None:
    wikitext_2(workshop, mirror)
    assert predicted(workshop, words()) == {"train": 2_088_628, "valid": 217_646, "test": 245_569}
    table = pq.read_table(workshop.folder / "frequencies.parquet").to_pydict()
    assert table["valid"][UNK] == _count(workshop, "<unk>", "valid") == 11_718


@pytest.mark.slow
def test_wikitext_2_has_one_unknown_token_for_each_unk_with_punctuation(workshop: Workshop, mirror: Path) -> None:
    wikitext_2(workshop, mirror)
    counts = tokenize(words(pretokenizer="punctuation"), workshop.out, workshop.folder)
    assert counts["valid"]["text"]["oov"] == 11_718
    tokenizer = load_tokenizer(workshop.folder / "tokenizer.json")
    assert "unk" not in [tokenizer.id_to_token(token) for token in range(tokenizer.vocabulary_size)]


def _count(workshop: Workshop, word: str, split: str) -> int:
    rows = pq.read_table(workshop.out, filters=[("split", "=", split)])["text"].to_pylist()
    return sum(text.split().count(word) for text in rows)


def test_tinyshakespeare_has_65_characters_and_its_standard_split(workshop: Workshop, mirror: Path) -> None:
    workshop.add((mirror / "tinyshakespeare/input.txt").read_bytes(), documents="file")
    rows = workshop.clean(
        cleaning="layout", max_characters=100_000, splits={"by": "position", "valid": 0.05, "test": 0.05}
    )
    assert sum(len(row["text"]) for row in rows if row["split"] == "train") == int(0.9 * 1_115_394)
    assert sum(len(row["text"]) for row in rows) == 1_115_394
    assert tokenize(chars(), workshop.out, workshop.folder)["vocabulary_size"] == 4 + 65


@pytest.mark.slow
def test_tatoeba_has_no_english_sentence_in_two_splits(workshop: Workshop, mirror: Path) -> None:
    with zipfile.ZipFile(mirror / "eng-nld/nld-eng.zip") as archive:
        workshop.add(archive.read("nld.txt"), "nld.txt", format="pairs", documents=None)
    rows = workshop.clean(splits={"by": "hash", "valid": 0.05, "test": 0.05})
    assert len(rows) == 73_576
    homes: dict[str, set[str]] = {}
    for row in rows:
        homes.setdefault(row["source"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in homes.values())
    assert workshop.counts["duplicates"] == {"exact_in_train": 0, "exact_in_valid": 0}


@pytest.mark.parametrize(
    ("name", "rows"), [("airline-passengers", 144), ("monthly-sunspots", 2820), ("daily-min-temperatures", 3650)]
)
def test_series_have_their_rows(workshop: Workshop, mirror: Path, name: str, rows: int) -> None:
    path = mirror / f"timeseries/{name}.csv"
    values = [row["value"] for row in workshop.add(path.read_bytes(), "s.csv", format="series", documents=None).clean()]
    with path.open() as file:
        expected = [float(row[1]) for row in list(csv.reader(file))[1:] if row]
    assert len(values) == rows
    assert values == expected


@pytest.mark.slow
@pytest.mark.parametrize(("tag", "tags"), [("upos", 17), ("xpos", 49)])
def test_the_english_web_treebank_has_its_sentences_words_and_tags(
    workshop: Workshop, mirror: Path, monkeypatch: pytest.MonkeyPatch, tag: str, tags: int
) -> None:
    """The words of 713 ranges such as don't are read, and the 6 empty nodes are not."""
    monkeypatch.setenv("UNROLL_MIRROR", str(mirror))
    params = ConlluCorpus.model_validate(CORPUS | {"source": "ud-english-ewt-small", "tag": tag, "splits": BY_SOURCE})
    fetch(params, workshop.raw)
    counts = clean(params, workshop.raw, workshop.out)
    sentences = {split: size["documents"] for split, size in counts["splits"].items()}
    assert (sentences["train"] + sentences["valid"], sentences["test"]) == (2_001, 2_077)
    assert counts["changed"] == {"empty_nodes": 6, "token_ranges": 713}
    tokens = tokenize(tagged.words(corpus="tiny"), workshop.out, workshop.folder)
    found = {split: tokens[split]["text"]["tokens"] for split in SPLITS}
    assert (found["train"] + found["valid"], found["test"]) == (25_147, 25_094)
    assert {split: tokens[split]["tags"]["tokens"] for split in SPLITS} == found
    assert tokens["tags_vocabulary_size"] == 4 + tags
    data = load(_partitioned(workshop))
    unseen = sum(int((data.streams[split]["tags"].tokens == UNK).sum()) for split in ("valid", "test"))
    assert unseen == 0


def _partitioned(workshop: Workshop) -> Path:
    partition(tagged.words(corpus="tiny"), "tiny", 1, workshop.folder, workshop.folder)
    return workshop.folder
