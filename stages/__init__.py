"""One thin script per DVC stage. They run as `python -m stages.NAME KEY` from the root of the repository.

An experiment of `dvc exp run --queue` runs in a copy of the repository, while the installed package points at the
original: the copy's own `src` comes first on the path, so that a run never silently uses other code than its own.

Half of a short stage is imports, and a tenth of these the search for garbage among a million objects that all stay.
The same search at the end, of all that the system is about to take back at once, takes half a second to two more.
"""

import atexit
import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
gc.set_threshold(100_000, 50, 100)
atexit.register(gc.freeze)
