"""MLflow: one run per train and per evaluate. The only package that imports mlflow, and only inside functions."""

from unroll.tracking.curve import Curve as Curve
from unroll.tracking.run import run as run
