"""The server of the web application."""

import contextlib
import socket
import sys
from collections.abc import Mapping

import uvicorn

from unroll.errors import UnrollError
from unroll.serve.app import create_app
from unroll.use import TextModel

ADDRESS = "127.0.0.1"
"""The address at which only this machine reaches the server."""


class AnnouncingServer(uvicorn.Server):
    """A server that prints its address when it accepts requests and handles Ctrl-C."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then print the address."""
        await super().startup(sockets)
        print(f"http://{ADDRESS}:{self.config.port} (Ctrl-C ends it)", file=sys.stderr)


def run(models: Mapping[str, TextModel], port: int) -> None:
    """Serve the page until Ctrl-C.

    Args:
        models: The models by the names that the page shows.
        port: The port to listen on.

    Raises:
        UnrollError: The port is not available.
    """
    _check_port(port)
    config = uvicorn.Config(create_app(models), host=ADDRESS, port=port, log_level="warning", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        AnnouncingServer(config).run()


def _check_port(port: int) -> None:
    """Raise UnrollError if the port is not available, which uvicorn would report by a long log."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise UnrollError(
                f"serve: port {port} is not available ({error.strerror}); choose another --port"
            ) from None
