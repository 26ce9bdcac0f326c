"""`url`: a text, or an archive of texts, on the web, pinned by its sha256."""

import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unroll.corpora.cache import obtain
from unroll.corpora.path import place
from unroll.params.corpora import UrlCorpus

LARGEST = 4 << 30  # bytes downloaded; more is no corpus for this


def fetch(params: UrlCorpus, seed: int, folder: Path) -> None:
    """Download (once), check and unpack into the empty `folder`; UnrollError prints the sha256 of another file."""
    remedy = "if it is the right one, set sha256: {sha256}"
    place(obtain(_name(params.url), [params.url], params.sha256, LARGEST, remedy), params.sha256, params.format, folder)


def _name(url: str) -> str:
    """A path of our own for an address: its last part may be anything, and two addresses may share it."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in last)
    return f"url/{hashlib.sha256(url.encode()).hexdigest()[:16]}/{safe.lstrip('.-')[-100:] or 'text'}"
