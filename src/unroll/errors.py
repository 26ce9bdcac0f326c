"""The one exception a user is meant to read."""


class UnrollError(Exception):
    """One sentence that names the file, line or parameter at fault, and the fix.

    Raised wherever the user (not the code) is wrong; a stage or command prints it and exits with code 1.
    """
