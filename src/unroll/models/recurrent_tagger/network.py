"""The network of a recurrent tagger: word and shape embeddings -> recurrent layers -> a score for each tag."""

from typing import Any

import torch
from torch import Tensor, nn

from unroll.layers.crf import LinearChainCrf
from unroll.layers.network import uniform_embedding
from unroll.layers.recurrent import Recurrent
from unroll.models.recurrent_tagger.params import RecurrentTaggerParams
from unroll.text.tokenizers.vocabulary import UNK


class Network(nn.Module):
    """The layers. Sentences of a batch have the same length. Shapes: B sentences, T words, K tags."""

    def __init__(self, params: RecurrentTaggerParams, vocabulary_size: int, shapes: int, tags: int) -> None:
        """Build the network with initial weights drawn from torch's global generator.

        Args:
            params: The settings.
            vocabulary_size: The number of tokens.
            shapes: The number of shapes of words.
            tags: The number K of tags.
        """
        super().__init__()
        self.word_dropout, self.dropout = params.word_dropout, nn.Dropout(params.dropout)
        self.embedding = uniform_embedding(vocabulary_size, params.embedding_size)
        size = params.shape_embedding_size
        self.shape_embedding = uniform_embedding(shapes, size) if size else None
        directions = 1 + params.bidirectional
        inputs = [params.embedding_size + size] + [directions * params.hidden_size] * (params.layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(Recurrent(params.cell, width, params.hidden_size, 1, 0.0) for _ in range(directions))
            for width in inputs
        )
        self.output = nn.Linear(directions * params.hidden_size, tags)
        self.crf = LinearChainCrf(tags) if params.crf else None

    def forward(self, words: Tensor, shapes: Tensor) -> Tensor:
        """Return the scores (B, T, K) of the tags of words with these token ids and shape ids, both (B, T)."""
        if self.training and self.word_dropout:
            words = words.masked_fill(torch.rand(words.shape, device=words.device) < self.word_dropout, UNK)
        hidden = self.embedding(words)
        if self.shape_embedding is not None:
            hidden = torch.cat([hidden, self.shape_embedding(shapes)], dim=-1)
        for layer in self.layers:
            directions: Any = layer
            hidden = self.dropout(hidden)
            hidden = torch.cat([self._read(one, hidden, number > 0) for number, one in enumerate(directions)], dim=-1)
        return self.output(self.dropout(hidden))

    def _read(self, layer: Recurrent, inputs: Tensor, backwards: bool) -> Tensor:
        """Return the outputs (B, T, H) of one direction of a layer."""
        inputs = inputs.flip(1) if backwards else inputs
        outputs, _ = layer(inputs, layer.start(len(inputs)))
        return outputs.flip(1) if backwards else outputs

    def log_likelihood(self, scores: Tensor, tags: Tensor) -> Tensor:
        """Return log p(tags | sentence), (B,), for scores (B, T, K) and tags (B, T)."""
        if self.crf is not None:
            return self.crf.log_likelihood(scores, tags)
        return scores.log_softmax(-1).gather(2, tags[..., None])[..., 0].sum(1)

    def best(self, scores: Tensor) -> Tensor:
        """Return the most probable sequence of tags (B, T) for scores (B, T, K)."""
        return scores.argmax(-1) if self.crf is None else self.crf.viterbi(scores)

    def log_marginals(self, scores: Tensor) -> Tensor:
        """Return log p(tag of a word | sentence), (B, T, K), for scores (B, T, K)."""
        return scores.log_softmax(-1) if self.crf is None else self.crf.log_marginals(scores)
