"""The tokenizers of tagged text: of its words, of their shapes, and of the tags."""

from unroll.params.tokenizers import TaggedTokenizerParams, WordTokenizerParams
from unroll.text.tokenizers.base import SHAPES, TAGS, Tokenizer, TrainingTexts
from unroll.text.tokenizers.loading import Parts, learn_tokenizer
from unroll.text.tokenizers.shape import ShapeTokenizer
from unroll.text.tokenizers.unknown import UnknownWords


def learn_tagged(
    params: TaggedTokenizerParams, text: TrainingTexts, tags: TrainingTexts, word: str | None
) -> dict[str, Tokenizer]:
    """Learn the tokenizers of a tagged corpus.

    Args:
        params: The entry of `tokenizers` in params.yaml.
        text: The sentences of the train split, with spaces between the words.
        tags: Their tags, with spaces between them. All of them belong to the vocabulary.
        word: The word that stands for unknown words in a prepared corpus; None for other corpora.

    Returns:
        The tokenizers by side: `TAGS`, `SHAPES` and `text`, the main one. Each of them gives one id per word.
    """
    settings = {name: getattr(params, name) for name in ("corpus", "sequence_length", "shared_vocabulary", "min_count")}
    words = WordTokenizerParams(
        type="word", pretokenizer="whitespace", vocabulary_size=params.vocabulary_size, **settings
    )
    every = words.model_copy(update={"min_count": 1, "vocabulary_size": "all"})
    known = text if word is None else Parts(text, UnknownWords(word))
    return {
        TAGS: learn_tokenizer(every, tags),
        SHAPES: ShapeTokenizer.learn(params, known),
        "text": learn_tokenizer(words, text, word),
    }
