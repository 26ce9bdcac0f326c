"""An encoder and a decoder with their embeddings and output layer: Sutskever, Vinyals and Le (2014).

The encoder reads the source to its last state z* = z_T; the decoder starts from h_0 = z* and <start> (our <bos>), and
p(d_m | d_1..d_{m-1}, e_1..e_T) = softmax(W h_m + b) until <stop> (our <eos>). With attention the decoder also looks at
all of z_1..z_T (`unroll.models.seq2seq.attention`).
"""

import torch
from torch import Tensor, nn

from unroll.layers.recurrent import State
from unroll.layers.softmax import Softmax
from unroll.models.seq2seq.attention import Memory
from unroll.models.seq2seq.decoder import Decoded, Decoder
from unroll.models.seq2seq.encoder import Encoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class EncoderDecoder(nn.Module):
    """Embeddings, encoder, decoder and softmax."""

    def __init__(self, params: Seq2seqParams, source_size: int, target_size: int) -> None:
        super().__init__()
        sizes = (params.embedding_size, params.hidden_size, params.layers, params.dropout)
        attention = None if params.attention == "none" else params.attention
        self.target_embedding = _embedding(target_size, params.embedding_size)
        self.source_embedding = (
            self.target_embedding if params.share_embeddings else _embedding(source_size, params.embedding_size)
        )
        self.encoder = Encoder(params.cell, *sizes, params.bidirectional)
        self.decoder = Decoder(params.cell, *sizes, attention, params.input_feeding)
        tied = self.target_embedding.weight if params.tie_weights else None
        self.softmax = Softmax(params.hidden_size, target_size, tied)

    def encode(self, sources: Tensor) -> tuple[Tensor, State]:
        """Outputs (B, S, H) and z* of sources (B, S) of one length, each with its <eos>."""
        return self.encoder(self.source_embedding(sources))

    def decode(self, tokens: Tensor, state: State, memory: Memory | None) -> Decoded:
        """(B, T) previous target words, true ones."""
        return self.decoder(self.target_embedding(tokens), state, memory)

    def guess(self, tokens: Tensor, own: Tensor, state: State, memory: Memory | None) -> Tensor:
        """As `decode`, but where `own` is True the word read is the most probable one after the last; (B, T, H)."""
        read, outputs = tokens[:, 0], []
        for step in range(tokens.shape[1]):
            decoded = self.decode(read[:, None], state, memory)
            state = decoded.state
            outputs.append(decoded.outputs)
            if step + 1 < tokens.shape[1]:
                with torch.no_grad():
                    guessed = self.softmax.logits(decoded.outputs[:, 0]).argmax(-1) + FIRST_PREDICTED
                read = torch.where(own[:, step + 1], guessed, tokens[:, step + 1])
        return torch.cat(outputs, dim=1)


def _embedding(vocabulary_size: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(vocabulary_size, size)
    nn.init.uniform_(embedding.weight, -(size**-0.5), size**-0.5)
    return embedding
