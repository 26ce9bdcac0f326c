"""MLflow: a run per training of a network, as it goes on, and per result of all other stages, from their files.

The only package that imports mlflow, and only inside functions: two seconds that a stage without a run is spared.
"""

from unroll.tracking.curve import Curve as Curve
from unroll.tracking.run import run as run
