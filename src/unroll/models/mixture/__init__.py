"""Family `mixture`: linear interpolation of language models."""
