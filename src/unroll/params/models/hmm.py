"""Family `hmm`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params


class HmmParams(Params):
    family: Literal["hmm"]
    tokens: Name
    states: Annotated[int, Field(ge=1, le=4096)]
    """Hidden states."""
    pseudo_count: Annotated[float, Field(ge=0, le=1000)]
    """Added to the expected count of every token in every state (a Dirichlet prior), so that no token has probability
    zero. 0 is maximum likelihood: a token that training lacks is impossible."""
    restarts: Annotated[int, Field(ge=1, le=10_000)]
    """Random beginnings of EM, each for `restart_iterations` on `restart_tokens`; the likeliest goes on."""
    restart_tokens: Annotated[int, Field(ge=1, le=10**10)]
    """Of the train split, for choosing among the beginnings: whole documents, from the first on."""
    restart_iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM iterations of each beginning at most."""
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    """EM iterations of the best beginning at most."""
    tolerance: Annotated[float, Field(ge=0, le=1)]
    """EM ends when an iteration gains less than this, in nats per token."""
