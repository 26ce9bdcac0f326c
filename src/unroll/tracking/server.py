"""The page of MLflow that compares the runs of the store."""

import os
import sys

from unroll.errors import UnrollError
from unroll.tracking import outbox, store


def serve(port: int) -> None:
    """Replace this process by the server of MLflow. Only this machine can reach it.

    Args:
        port: The port of the page.

    Raises:
        UnrollError: The runs are on a server.
    """
    if server := outbox.server():
        raise UnrollError(f"the runs are on {server} (MLFLOW_TRACKING_URI); open that address in the browser")
    page = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--allowed-hosts", f"localhost:{port},127.0.0.1:{port}", "--cors-allowed-origins", page]
    command += ["--backend-store-uri", store.prepare()]
    print(f"MLflow on {page} (Ctrl-C ends it)", flush=True)
    # MLflow would prefer the variable of another store to the option.
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_BACKEND_STORE_URI"}
    os.execve(sys.executable, command, kept | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
