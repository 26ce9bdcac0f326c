"""Tracking by MLflow: a live run for each training of a network, and runs made from files for all other results.

This is the only package that imports mlflow. It does so inside functions, so that stages without a run start fast.
"""

from unroll.tracking.run import run as run
