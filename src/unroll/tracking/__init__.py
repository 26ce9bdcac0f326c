"""Tracking by MLflow. Stages keep journals (`journal`), and a process of its own logs them (`logger`).

This is the only package that imports mlflow, inside functions: no stage imports it.
"""
