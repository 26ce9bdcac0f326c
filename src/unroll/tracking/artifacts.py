"""The paths of artifacts in the database of MLflow. They are absolute, and are corrected after the folder was moved."""

import sqlite3
from urllib.parse import unquote, urlsplit

COLUMNS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""The columns with locations of artifacts, by table."""
SUFFIX = "/artifacts"
"""What the location of the artifacts adds to that of the folder `mlruns`."""


def relocate(connection: sqlite3.Connection, experiment: str, mlruns: str) -> str | None:
    """Replace the folder `mlruns` in the location of all artifacts if it is another folder.

    Args:
        connection: The database, in a transaction that the caller commits.
        experiment: The name of the experiment.
        mlruns: The file URI of the folder `mlruns` that the database is in.

    Returns:
        The path of the folder that was replaced. None if it was the right one, or if the artifacts are elsewhere, which
        is the choice of the user.
    """
    row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
    ours = row is not None and row[0].startswith("file:") and row[0].endswith("/mlruns" + SUFFIX)
    if not ours or row[0] == mlruns + SUFFIX:
        return None
    previous: str = row[0].removesuffix(SUFFIX)
    old, new = (unquote(urlsplit(uri).path) for uri in (previous, mlruns))  # MLflow also stores paths
    for table, columns in COLUMNS.items():
        for column in columns:
            for before, after in ((previous, mlruns), (old, new)):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                    (after, len(before) + 1, len(before) + 1, before + "/"),
                )
    return old
