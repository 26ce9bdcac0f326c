"""Stage tokenize: its counts, its files, and the sides of pairs."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.text.conftest import Workshop, bpe, chars, words
from unroll.errors import UnrollError
from unroll.text import token_store
from unroll.text.partition import partition
from unroll.text.streams import SPLITS, load
from unroll.text.token_store import read_rank_frequencies
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.loading import load_tokenizer

BY_SOURCE = {"by": "source", "valid": 0.1, "test": 0.1}


@pytest.fixture
def small(workshop: Workshop) -> Workshop:
    workshop.add("a b a\nb c\n", "1.txt", split="train").add("a d\n", "2.txt", split="valid")
    workshop.add("é a zz\n\n", "3.txt", split="test").clean(splits=BY_SOURCE, empty="keep")
    return workshop


def test_counts_by_hand(small: Workshop) -> None:
    counts = tokenize(words(), small.out, small.folder)
    assert counts["vocabulary_size"] == 7
    assert counts["train"]["text"] == {
        "documents": 2,
        "tokens": 5,
        "characters": 8,
        "bytes": 8,
        "oov": 0,
        "spelling_bits": 0.0,
        "spacing_bits": pytest.approx(1.5, abs=1.5),
        "coverage": 1.0,
        "tokens_per_byte": 0.625,
    }
    test = counts["test"]["text"]
    assert (test["documents"], test["tokens"], test["characters"], test["bytes"]) == (2, 3, 6, 7)
    assert (test["oov"], test["spelling_bits"], test["coverage"]) == (2, 8.0 * (4 + 2), round(1 / 3, 6))
    tokenizer = load_tokenizer(small.folder / "tokenizer.json")
    assert test["spacing_bits"] == pytest.approx(
        tokenizer.spacing_bits("é a zz") + tokenizer.spacing_bits(""), abs=1e-6
    )


def test_frequencies_by_hand(small: Workshop) -> None:
    tokenize(words(), small.out, small.folder)
    table = pq.read_table(small.folder / "frequencies.parquet").to_pydict()
    assert table["spelling"] == ["<pad>", "<bos>", "<eos>", "<unk>", "a", "b", "c"]
    assert table["train"] == [0, 0, 0, 0, 2, 2, 1]
    assert table["valid"] == [0, 0, 0, 1, 1, 0, 0]
    assert table["test"] == [0, 0, 0, 2, 1, 0, 0]
    assert read_rank_frequencies(small.folder / "frequencies.parquet").tolist() == [2, 2, 1]


@pytest.mark.parametrize("params", [words(), chars(), bpe(), bpe(base_alphabet="characters", vocabulary_size=30)])
def test_the_same_clean_file_gives_the_same_bytes(small: Workshop, folder, params) -> None:
    contents = []
    for name in ("one", "two"):
        made = folder(name)
        tokenize(params, small.out, made)
        contents.append({path.name: path.read_bytes() for path in made.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {
        *("train.arrow", "valid.arrow", "test.arrow"),
        *("tokenizer.json", "counts.json", "frequencies.parquet", "corpus.json"),
    }


def test_nothing_is_learned_outside_train(small: Workshop) -> None:
    tokenize(chars(), small.out, small.folder)
    tokenizer = load_tokenizer(small.folder / "tokenizer.json")
    assert {tokenizer.id_to_token(token) for token in range(4, tokenizer.vocabulary_size)} == set(" abc")


def test_token_ids_are_those_of_the_tokenizer_and_of_the_streams(small: Workshop) -> None:
    tokenize(words(), small.out, small.folder)
    [(values, offsets)] = token_store.read_batches(small.folder / "test.arrow", "text")
    assert (values.tolist(), offsets.tolist()) == ([3, 4, 3], [0, 3, 3])
    partition(words(sequence_length=2), "tiny", 1, small.folder, small.folder)
    data = load(small.folder)
    assert data.test.tokens.tolist() == [1, 3, 4, 3, 2, 1, 2]
    assert [document.tolist() for document in data.test.documents] == [[3, 4, 3, 2], [2]]
    assert data.counts["test"]["text"]["spelling_bits"] == 8 * (4 + 2)


def pairs(workshop: Workshop) -> Workshop:
    lines = "".join(f"the {word}\tde {word}en\n" for word in "abcdefghijklmnopqrst")
    workshop.add(lines, "p.tsv", format="pairs", documents=None).clean()
    return workshop


def test_shared_vocabulary_of_pairs(workshop: Workshop) -> None:
    counts = tokenize(words(), pairs(workshop).out, workshop.folder)
    train = counts["train"]["source"]["documents"]
    assert counts["vocabulary_size"] == 4 + 2 + 2 * train
    assert "source_vocabulary_size" not in counts
    ids = token_store.read_batches(workshop.folder / "train.arrow", "source")
    assert sum(len(offsets) - 1 for _, offsets in ids) == train


def test_separate_vocabularies_of_pairs(workshop: Workshop) -> None:
    counts = tokenize(words(shared_vocabulary=False), pairs(workshop).out, workshop.folder)
    train = counts["train"]["source"]["documents"]
    assert counts["vocabulary_size"] == counts["source_vocabulary_size"] == 4 + 1 + train
    path = workshop.folder / "tokenizer.json"
    assert load_tokenizer(path, "source").decode([4]) == "the"
    assert load_tokenizer(path, "target").decode([4]) == "de"
    partition(words(), "tiny", 1, workshop.folder, workshop.folder)
    data = load(workshop.folder)
    assert data.source_vocabulary_size == counts["source_vocabulary_size"]
    assert data.streams["train"]["source"].documents[0].tolist()[0] == 4
    assert (workshop.folder / "source.frequencies.parquet").exists()


def test_separate_vocabularies_need_pairs(small: Workshop) -> None:
    with pytest.raises(UnrollError, match="shared_vocabulary: false is for sentence pairs"):
        tokenize(words(shared_vocabulary=False), small.out, small.folder)


def test_labels_stay_with_their_texts(workshop: Workshop) -> None:
    lines = "".join(f"{'good' if n % 2 else 'bad'}\ttext {n}\n" for n in range(20))
    rows = workshop.add(lines, "l.tsv", format="labelled").clean()
    tokenize(words(), workshop.out, workshop.folder)
    assert token_store.read_labels(workshop.folder / "train.arrow")[:3] == ["bad", "good", "bad"]
    partition(words(), "tiny", 1, workshop.folder, workshop.folder)
    data = load(workshop.folder)
    assert list(data.streams["train"]) == ["text"]
    assert data.labels == {split: [row["label"] for row in rows if row["split"] == split] for split in SPLITS}


def test_a_damaged_file_of_token_ids_is_refused(small: Workshop, tmp_path: Path) -> None:
    tokenize(words(), small.out, small.folder)
    (small.folder / "train.arrow").write_bytes(b"ARROW1 but not for long")
    with pytest.raises(UnrollError, match=r"train.arrow: unreadable"):
        partition(words(), "tiny", 1, small.folder, small.folder)


def test_a_column_holds_one_list_per_document() -> None:
    column = token_store.list_array(np.arange(5, dtype=np.int32), [2, 0, 3])
    assert column.type == pa.list_(pa.int32())
    assert column.to_pylist() == [[0, 1], [], [2, 3, 4]]
