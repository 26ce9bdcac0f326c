"""An encoder and a decoder with their embeddings and their output layer (Sutskever, Vinyals and Le 2014).

The encoder reads the source e_1 .. e_S up to its last state z* = z_S. The decoder begins with h_0 = z* and `<bos>`, and
p(d_m | d_1 .. d_{m-1}, e_1 .. e_S) = softmax(W h_m + b) until `<eos>`:

    z_s = encoder(z_{s-1}, e_s)        h_m = decoder(h_{m-1}, d_{m-1})

With attention to all of z_1 .. z_S (`unroll.layers.attention`) the output is o_m = tanh(W [h_m; c_m]), where
c_m is the context of h_m (Luong, Pham and Manning 2015, equation 5). With input feeding (section 3.3 there) the cell
reads [d_{m-1}; o_{m-1}], so each step needs the attention of the step before. Without it all steps are computed
together.
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from unroll.layers.attention import ATTENTIONS, Attention, Memory
from unroll.layers.network import build_embedding
from unroll.layers.recurrent import Recurrent, State
from unroll.layers.softmax import Softmax
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.params.layers import Cell
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED

KINDS = {"dot": "general", "additive": "additive"}
"""The kind of attention by the setting `attention`, whose `dot` has weights."""


class Decoded(NamedTuple):
    """The results of a decoder."""

    outputs: Tensor
    """The inputs of the softmax (B, T, H)."""
    state: State
    """The state after the last step."""
    weights: Tensor | None
    """The attention weights (B, T, S); None without attention."""


class Decoder(nn.Module):
    """Recurrent layers over (B, T, input_size), which begin at z*, and attention to a memory."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        attention: Literal["none", "dot", "additive"],
        input_feeding: bool,
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The size of the states and the outputs, H.
            layers: The number of layers.
            dropout: The dropout rate for the inputs of every layer and for the outputs.
            attention: The kind of attention.
            input_feeding: Feed the outputs back as inputs. This has an effect with attention only.
        """
        super().__init__()
        self.input_feeding = attention != "none" and input_feeding
        self.recurrent = Recurrent(cell, input_size + hidden_size * self.input_feeding, hidden_size, layers, dropout)
        # The name `alignment` is part of the names of saved weights.
        self.alignment: Attention | None = ATTENTIONS[KINDS[attention]](hidden_size) if attention in KINDS else None
        self.combine = nn.Linear(2 * hidden_size, hidden_size, bias=False) if attention != "none" else None
        self.dropout = nn.Dropout(dropout)

    def start(self, last: State) -> State:
        """Return the initial state, given z*. With input feeding it also holds o_0 = 0."""
        return (*last, torch.zeros_like(last[0])) if self.input_feeding else last

    def memory(self, values: Tensor, mask: Tensor | None = None) -> Memory | None:
        """Return the memory of the outputs of an encoder; None without attention.

        Args:
            values: The outputs of the encoder (B, S, H).
            mask: (B, S), False at padding; None if no source is padded.

        Returns:
            The memory.
        """
        return self.alignment.memory(values, mask) if self.alignment is not None else None

    def forward(self, inputs: Tensor, state: State, memory: Memory | None) -> Decoded:
        """Run all steps.

        Args:
            inputs: The embedded target tokens that are read (B, T, input_size), or their ids (B, T) as one-hot inputs.
            state: The state before the first step.
            memory: The memory of the sources; None without attention.

        Returns:
            The outputs, the state and the attention weights.
        """
        if not self.input_feeding:
            hidden, state = self.recurrent(inputs, state)
            outputs, weights = self._attend(hidden, memory)
            return Decoded(outputs, state, weights)
        steps = []
        for step in torch.split(inputs, 1, dim=1):
            hidden, after = self.recurrent(torch.cat([step, state[-1][:, None]], dim=-1), state[:-1])
            outputs, weights = self._attend(hidden, memory)
            state = (*after, outputs[:, 0])
            steps.append((outputs, weights))
        outputs, weights = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return Decoded(outputs, state, weights)

    def _attend(self, hidden: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor | None]:
        """Return the outputs (B, T, H) for hidden vectors (B, T, H), and the attention weights (B, T, S)."""
        if self.alignment is None or self.combine is None or memory is None:
            return hidden, None
        contexts, weights = self.alignment(hidden, memory)
        return self.dropout(torch.tanh(self.combine(torch.cat([hidden, contexts], dim=-1)))), weights


class Encoder(nn.Module):
    """Recurrent layers: (B, S, input_size) -> (B, S, hidden_size) and the last state z*.

    In each layer of a bidirectional encoder half of the units read forward and half backward (Schuster and Paliwal
    1997). z* joins the last states of both, so it has the shape of the state of a decoder in any case.
    """

    def __init__(
        self, cell: Cell, input_size: int, hidden_size: int, layers: int, dropout: float, bidirectional: bool
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The size of the outputs. Each direction of a bidirectional encoder has half of it.
            layers: The number of layers.
            dropout: The dropout rate for the inputs of every layer and for the outputs.
            bidirectional: Read backward, too.

        Raises:
            ValueError: The encoder is bidirectional, and hidden_size is odd.
        """
        super().__init__()
        directions = 2 if bidirectional else 1
        if hidden_size % directions:
            raise ValueError(f"hidden_size {hidden_size} is odd, but a bidirectional encoder needs an even one")
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(Recurrent(cell, size, hidden_size // directions, 1, 0.0) for _ in range(directions))
            for size in sizes
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> tuple[Tensor, State]:
        """Read sources of one length.

        Args:
            inputs: Embedded sources without padding (B, S, input_size), or their ids (B, S) as one-hot inputs.

        Returns:
            The outputs (B, S, hidden_size), and the last state z*.
        """
        last: list[Tensor] = []
        for layer in self.layers:
            inputs = self.dropout(inputs) if inputs.is_floating_point() else inputs  # the ids of one-hot inputs
            read = [_read(one, inputs, backward=index == 1) for index, one in enumerate(layer.children())]
            inputs = torch.cat([outputs for outputs, _ in read], dim=-1)
            last += [torch.cat(parts, dim=-1) for parts in zip(*(state for _, state in read), strict=True)]
        return self.dropout(inputs), tuple(last)


def _read(direction: Any, inputs: Tensor, backward: bool) -> tuple[Tensor, State]:
    """Read inputs (B, S, I) by the layers of one direction, from a zero state."""
    start = direction.start(len(inputs))
    if not backward:
        return direction(inputs, start)
    outputs, last = direction(inputs.flip(1), start)
    return outputs.flip(1), last


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
        sizes = (params.hidden_size, params.layers, params.dropout)
        self.target_embedding = build_embedding(vocabulary_size, params.embedding_size)
        self.source_embedding = (
            self.target_embedding
            if params.share_embeddings
            else build_embedding(source_vocabulary_size, params.embedding_size)
        )
        width, source_width = self.target_embedding.embedding_dim, self.source_embedding.embedding_dim
        self.encoder = Encoder(params.cell, source_width, *sizes, params.bidirectional)
        self.decoder = Decoder(params.cell, width, *sizes, params.attention, params.input_feeding)
        embedding = self.target_embedding
        tied = embedding.weight if params.tie_weights and isinstance(embedding, nn.Embedding) else None
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
