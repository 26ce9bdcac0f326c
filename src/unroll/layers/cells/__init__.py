"""Recurrent cells, each with its equations and its loop over time."""
