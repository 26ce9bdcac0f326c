"""Translation models with random weights."""

from pathlib import Path

import torch

from tests import trained
from tests.models.test_contract import SEQ2SEQ
from unroll.models.seq2seq import model as seq2seq
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.text.tokenizers.loading import learn_tokenizer

DUTCH = ["de studenten openden hun boeken", "de tijdreiziger kwam aan"]


def save_translators(workspace: Path) -> None:
    """Save models/translator, with attention, and models/bottleneck, without attention, unless they are there."""
    tokens = WordTokenizerParams.model_validate(trained.WORDS | {"shared_vocabulary": False, "vocabulary_size": "all"})
    source, target = (learn_tokenizer(tokens, trained.Lines(texts)) for texts in (trained.TEXTS, DUTCH))
    sizes = source.vocabulary_size, target.vocabulary_size
    for name, attention in (("translator", "dot"), ("bottleneck", "none")):
        folder = workspace / "models" / name
        if folder.exists():
            continue
        torch.manual_seed(1)
        params = Seq2seqParams.model_validate(SEQ2SEQ | {"attention": attention})
        folder.mkdir()
        seq2seq.Model(params, sizes, EncoderDecoder(params, *sizes)).save(folder)
        target.save(folder / "tokenizer.json", {"source": source})
        trained.save_cleaning(folder)
