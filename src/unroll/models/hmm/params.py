"""Settings of family `hmm`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class HmmParams(Params):
    """A hidden Markov model that is trained by expectation maximization (EM)."""

    family: Literal["hmm"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
    states: Annotated[int, Field(ge=1, le=4096)]
    """The number of hidden states."""
    pseudo_count: Annotated[float, Field(ge=0, le=1000)]
    """Added to the expected count of every token in every state (a Dirichlet prior), so that no token has probability
    zero. 0 is maximum likelihood: a token that the train split lacks has probability zero."""
    restarts: Annotated[int, Field(ge=1, le=10_000)]
    """The number of random starting points of EM. Each runs for `restart_iterations` on `restart_tokens`; the one with
    the highest likelihood continues on the whole train split."""
    restart_tokens: Annotated[int, Field(ge=1, le=10**10)]
    """The number of tokens of the train split for comparing the starting points: whole documents from the first on."""
    restart_iterations: Annotated[int, Field(ge=1, le=100_000)]
    """The maximum number of EM iterations of each starting point."""
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """The maximum number of EM iterations on the whole train split."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when an iteration gains less than this, in nats per token."""
