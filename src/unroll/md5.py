"""The hashes by which DVC identifies files and folders."""

import hashlib
import json
from pathlib import Path


def dvc_md5(path: Path) -> str:
    """Return the hash of an output as DVC writes it to dvc.lock.

    Args:
        path: A file or a folder.

    Returns:
        The MD5 of the bytes of the file, or of the JSON list of the files of the folder, which ends in `.dir`.
    """
    if path.is_file():
        return file_md5(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    listed = [{"md5": file_md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listed.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def file_md5(path: Path) -> str:
    """Return the MD5 of the bytes of a file, by which DVC identifies them."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
