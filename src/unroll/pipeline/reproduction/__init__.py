"""The parts of making a run again: the work tree that it is made in, and the comparison with what was recorded."""
