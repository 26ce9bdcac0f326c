"""One thin script per DVC stage. They run as `python -m stages.NAME KEY` from the root of the repository.

A queued experiment runs in a copy of the repository, while the installed package points at the original. So the `src`
of the copy comes first on the path, and a run always uses its own code.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from unroll.garbage import collect_rarely

collect_rarely()
