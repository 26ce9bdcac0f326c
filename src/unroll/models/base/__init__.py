"""What all families share: the contract, storage, and the base of neural language models."""
