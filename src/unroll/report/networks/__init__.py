"""Diagrams of networks, unrolled over time and drawn from their settings, as SVG."""
