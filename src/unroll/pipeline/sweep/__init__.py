"""Sweeps: search values of params.yaml for the best result, each point as an experiment of DVC."""
