"""Torch modules that several families share."""
