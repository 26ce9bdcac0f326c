"""The perplexity that belongs to a mean loss."""

import math


def perplexity(loss: float) -> float:
    """Compute e^loss.

    Args:
        loss: The mean negative log-likelihood in nats per token.

    Returns:
        The perplexity, which is infinite if it exceeds the range of a float.
    """
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf
