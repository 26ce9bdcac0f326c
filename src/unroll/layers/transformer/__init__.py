"""Transformer layers, which the causal and the masked transformer share."""
