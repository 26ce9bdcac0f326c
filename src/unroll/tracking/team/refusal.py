"""The sentence for a tracking server that does not answer, or that refuses a request."""

from collections.abc import Iterator
from urllib.parse import urlsplit


def explain(error: BaseException, uri: str) -> str:
    """Return what is wrong with a server, and the fix.

    Args:
        error: The exception of MLflow, or of a library that it uses.
        uri: The tracking URI of the server.

    Returns:
        The beginning of a sentence, without passwords.
    """
    import requests

    server, chain = without_password(uri), list(_chain(error))
    if denied := {401, 403}.intersection(_statuses(chain)):
        return (
            f"{server}: does not permit this (HTTP {min(denied)}); set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those of a user who may write"
        )
    absent = (requests.ConnectionError, requests.Timeout, requests.exceptions.RetryError)
    if any(isinstance(cause, absent) for cause in chain):
        return f"{server}: does not answer; start the server or correct the address"
    text = " ".join(str(error).replace(uri, server).split())
    return f"{server}: does not take the runs ({text[:300]}); correct this"


def without_password(uri: str) -> str:
    """Return an address whose password is replaced by asterisks."""
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@") if password else uri


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _statuses(chain: list[BaseException]) -> Iterator[int]:
    """Yield the HTTP statuses of exceptions of requests and of MLflow."""
    for error in chain:
        response = getattr(error, "response", None)
        if response is not None:
            yield response.status_code
        elif hasattr(error, "get_http_status_code"):
            yield error.get_http_status_code()
