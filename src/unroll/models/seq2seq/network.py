"""An encoder and a decoder with their embeddings and their output layer (Sutskever, Vinyals and Le 2014).

The encoder reads the source e_1 .. e_S up to its last state z* = z_S. The decoder begins with h_0 = z* and `<bos>`, and
p(d_m | d_1 .. d_{m-1}, e_1 .. e_S) = softmax(W h_m + b) until `<eos>`. With attention the decoder also attends to all
of z_1 .. z_S (`unroll.models.seq2seq.attention`).
"""

import torch
from torch import Tensor, nn

from unroll.layers.network import uniform_embedding
from unroll.layers.recurrent import State
from unroll.layers.softmax import Softmax
from unroll.models.seq2seq.attention import Memory
from unroll.models.seq2seq.decoder import Decoded, Decoder
from unroll.models.seq2seq.encoder import Encoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class EncoderDecoder(nn.Module):
    """Embeddings, encoder, decoder and softmax."""

    def __init__(self, params: Seq2seqParams, source_vocabulary_size: int, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator.

        Args:
            params: The settings of the family.
            source_vocabulary_size: The number of tokens of the source side.
            vocabulary_size: The number of tokens of the target side, V.
        """
        super().__init__()
        sizes = (params.embedding_size, params.hidden_size, params.layers, params.dropout)
        self.target_embedding = uniform_embedding(vocabulary_size, params.embedding_size)
        self.source_embedding = (
            self.target_embedding
            if params.share_embeddings
            else uniform_embedding(source_vocabulary_size, params.embedding_size)
        )
        self.encoder = Encoder(params.cell, *sizes, params.bidirectional)
        self.decoder = Decoder(params.cell, *sizes, params.attention, params.input_feeding)
        tied = self.target_embedding.weight if params.tie_weights else None
        self.softmax = Softmax(params.hidden_size, vocabulary_size, tied)

    def encode(self, sources: Tensor) -> tuple[Tensor, State]:
        """Read sources of one length.

        Args:
            sources: Token ids (B, S), each source with its `<eos>`.

        Returns:
            The outputs of the encoder (B, S, H), and its last state z*.
        """
        return self.encoder(self.source_embedding(sources))

    def decode(self, tokens: Tensor, state: State, memory: Memory | None) -> Decoded:
        """Read the given target tokens.

        Args:
            tokens: Token ids (B, T), the first of which is `<bos>`.
            state: The state of the decoder before the first token.
            memory: The memory of the sources; None without attention.

        Returns:
            The outputs, the state and the attention weights.
        """
        return self.decoder(self.target_embedding(tokens), state, memory)

    def decode_predictions(self, tokens: Tensor, predicted: Tensor, state: State, memory: Memory | None) -> Tensor:
        """Read some predictions in place of the given target tokens (scheduled sampling, Bengio et al. 2015).

        Args:
            tokens: Token ids (B, T), the first of which is `<bos>`.
            predicted: Where the most probable token is read in place of the given one (B, T); not used at step 0.
            state: The state of the decoder before the first token.
            memory: The memory of the sources; None without attention.

        Returns:
            The outputs (B, T, H).
        """
        read, outputs = tokens[:, 0], []
        for step in range(tokens.shape[1]):
            decoded = self.decode(read[:, None], state, memory)
            state = decoded.state
            outputs.append(decoded.outputs)
            if step + 1 < tokens.shape[1]:
                with torch.no_grad():
                    best = self.softmax.logits(decoded.outputs[:, 0]).argmax(-1) + FIRST_PREDICTED
                read = torch.where(predicted[:, step + 1], best, tokens[:, step + 1])
        return torch.cat(outputs, dim=1)
