"""Family `transformer`: causal transformer language models."""
