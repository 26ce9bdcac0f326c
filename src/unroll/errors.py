"""The exception for mistakes of the user."""


class UnrollError(Exception):
    """One sentence that names the file, line or parameter at fault, and the fix.

    It is raised for mistakes of the user, not for faults of the code. A stage or command prints it and exits with code
    1.
    """
