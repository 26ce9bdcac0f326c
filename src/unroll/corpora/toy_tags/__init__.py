"""Source `toy-tags`: English sentences with tags, sampled from a regular grammar.

The grammar (`grammar`) is a regular expression over classes of words (`lexicon`, words.yaml). It is equivalent to a
hidden Markov model (`automaton`): a state is a place in the grammar, and has one class of words and one tag. Several
states have the same tag, so the tags themselves are no Markov chain. Many words belong to several classes. The first
word of a sentence has a capital. `unroll.models.tag_oracle` computes the exact posterior of the tags.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from unroll.corpora.sampled import ARRAYS_FILE, SETTINGS_FILE, CategoricalRows, normalize
from unroll.corpora.toy_tags.automaton import Automaton
from unroll.corpora.toy_tags.grammar import sentence
from unroll.corpora.toy_tags.lexicon import read_classes
from unroll.params.corpora import ToyTagsCorpus
from unroll.text.manifest import RawFile, write_manifest

FILE = "sentences.tsv"


def fetch(params: ToyTagsCorpus, folder: Path) -> None:
    """Write the sentences to sentences.tsv, with the columns token and tag, and the hidden Markov model."""
    classes, automaton = read_classes(), Automaton.compile(sentence())
    words = list(dict.fromkeys(word for weights in classes.values() for word in weights))
    columns = {word: column for column, word in enumerate(words)}
    emission = np.zeros((len(classes), len(words)))
    for row, weights in enumerate(classes.values()):
        emission[row, [columns[word] for word in weights]] = list(weights.values())
    emission = normalize(emission)
    numbers = {name: number for number, name in enumerate(classes)}
    state_classes = np.asarray([numbers[leaf.word_class] for leaf in automaton.leaves])
    tags = [leaf.chunk if params.tags == "chunks" else leaf.pos for leaf in automaton.leaves]
    transition = normalize(np.vstack([automaton.transition, automaton.first]))  # the last row is the start
    sentences = sample(transition, emission[state_classes], params.sentences, np.random.default_rng(params.seed))
    with (folder / FILE).open("w", encoding="utf-8", newline="\n") as file:
        for states, symbols in sentences:
            tokens = [words[symbol] for symbol in symbols]
            tokens[0] = capitalize(tokens[0])
            file.writelines(f"{token}\t{tags[state]}\n" for token, state in zip(tokens, states, strict=True))
            file.write("\n")
    settings = {"kind": "toy-tags", "words": words, "tags": tags}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    arrays = {"transition": transition, "emission": emission, "state_classes": state_classes}
    save_file(arrays, folder / ARRAYS_FILE)
    write_manifest(folder, [RawFile(FILE, "tagged")])


def sample(
    transition: np.ndarray, emission: np.ndarray, count: int, generator: np.random.Generator
) -> list[tuple[list[int], list[int]]]:
    """Sample sentences.

    Args:
        transition: The probabilities (S + 1, S + 1) of the next state. The last row is that of the start, and the last
            column that of the end.
        emission: The probabilities (S, V) of the words of each state.
        count: The number of sentences.
        generator: The source of randomness.

    Returns:
        The states and the words of each sentence.
    """
    end = len(transition) - 1
    next_states, symbols = CategoricalRows(transition), CategoricalRows(emission)
    sentences: list[tuple[list[int], list[int]]] = [([], []) for _ in range(count)]
    active = np.arange(count)
    state = next_states.draw(np.full(count, end), generator)
    while len(active):
        drawn = symbols.draw(state, generator)
        for row, own_state, symbol in zip(active.tolist(), state.tolist(), drawn.tolist(), strict=True):
            sentences[row][0].append(own_state)
            sentences[row][1].append(symbol)
        state = next_states.draw(state, generator)
        active, state = active[state < end], state[state < end]
    return sentences


def capitalize(word: str) -> str:
    """Return a word with a capital as its first letter, as at the beginning of a sentence."""
    return word[:1].upper() + word[1:]
