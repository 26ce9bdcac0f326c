"""A tagger in the workspace of the tests of verbs: models/tagger, an HMM of a few sentences."""

from pathlib import Path
from typing import Any

import numpy as np

from tests import tagged, trained
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.hmm_tagger.params import HmmTaggerParams
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.tagged import learn_tagged

SENTENCES = {
    "the students opened their books .": "DET NOUN VERB DET NOUN PUNCT",
    "the books opened the time .": "DET NOUN VERB DET NOUN PUNCT",
    "students saw the light books": "NOUN VERB DET ADJ NOUN",
    "they time the students .": "PRON VERB DET NOUN PUNCT",
}
PARAMS: dict[str, Any] = {
    "family": "hmm_tagger",
    "tokenizer": "toy",
    "order": 2,
    "smoothing": {"kind": "additive", "k": 0.1},
    "word_pseudo_count": 0.01,
    "rare_count": 1,
    "shape_pseudo_count": 0.1,
}


def save_tagger(workspace: Path) -> Path:
    """Save the tagger unless it is there, and return its folder."""
    folder = workspace / "models" / "tagger"
    if folder.exists():
        return folder
    folder.mkdir()
    texts, tags = trained.Lines(SENTENCES), trained.Lines(SENTENCES.values())
    tokenizers = learn_tagged(tagged.words(suffix_min_count=1), texts, tags, None)
    rows = {"text": texts, "shapes": texts, "tags": tags}
    streams = {
        side: stream_of([np.asarray(ids) for ids in tokenizers[side].encode_batch(rows[side])], 100) for side in rows
    }
    names = [tokenizers["tags"].id_to_token(token) for token in range(4, tokenizers["tags"].vocabulary_size)]
    sizes = tokenizers["text"].vocabulary_size, tokenizers["shapes"].vocabulary_size
    data = Data("toy", sizes[0], 5, 1, dict.fromkeys(("train", "valid", "test"), streams), tags=names, shapes=sizes[1])
    params = HmmTaggerParams.model_validate(PARAMS)
    models.family("hmm_tagger").fit(params, data, Inputs(), lambda *_, **__: None).save(folder)
    others = {side: tokenizers[side] for side in ("tags", "shapes")}
    tokenizers["text"].save(folder / "tokenizer.json", others)
    trained.save_cleaning(folder)
    return folder
