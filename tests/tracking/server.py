"""The server of a team on this machine: MLflow with PostgreSQL, and an S3 server for the artifacts."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

BUCKET = "unroll"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
"""The keys of the object store. The server of MLflow has them, and its clients do not."""
STARTUP = 180
"""The number of seconds after which a server that does not answer is a failure."""


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with an empty database, which only programs of this machine can reach.

    Args:
        folder: An empty folder. It must be short, since the name of a socket has at most 107 bytes.

    Yields:
        The address of the database, for SQLAlchemy.
    """
    control, initialize = (_program(name) for name in ("pg_ctl", "initdb"))
    # PostgreSQL refuses to run as root. Debian's package makes the user postgres.
    owner = _owner() if os.geteuid() == 0 else {}
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    data, log = folder / "data", folder / "log"

    def run(*command: str) -> None:
        # The server keeps the output of pg_ctl open, so it is a file, and not a pipe.
        with (folder / "output").open("w") as output:
            result = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False, **owner)
        assert result.returncode == 0, (folder / "output").read_text() + (log.read_text() if log.exists() else "")

    run(initialize, "--no-sync", "--auth=trust", "--username=unroll", "--encoding=UTF8", "--locale=C", f"-D{data}")
    options = f"-F -c listen_addresses='' -c unix_socket_directories={folder}"
    run(control, "start", "--wait", f"--timeout={STARTUP}", f"-D{data}", f"--log={log}", f"--options={options}")
    try:
        yield f"postgresql+psycopg://unroll@/postgres?host={folder}"
    finally:
        run(control, "stop", "--wait", "--mode=immediate", f"-D{data}")


def _program(name: str) -> str:
    """Return the path of a program of PostgreSQL. Debian has them in a folder that is not on PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)]))
    if found is None:
        pytest.skip(f"there is no {name}: install the package postgresql")
    return found


def _owner() -> dict[str, int]:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid}
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres: install the package postgresql")


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Run an S3 server in memory with an empty bucket.

    Args:
        folder: A folder for its log.

    Yields:
        The address of the server.
    """
    program = [sys.executable, "-m", "moto.server"] if find_spec("moto") else [shutil.which("moto_server") or ""]
    if not program[0]:
        pytest.skip("there is no moto_server: install the package moto with the extra server")
    with (folder / "s3.log").open("wb") as log:
        port = free_port()
        process = subprocess.Popen(
            [*program, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log, start_new_session=True
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(process, f"{address}/moto-api/", folder / "s3.log")
            assert requests.put(f"{address}/{BUCKET}", timeout=10).ok
            yield address
        finally:
            _kill(process)


@dataclass
class Server:
    """A server of MLflow that can be killed, and started again on the same port with the same data."""

    command: list[str]
    variables: Mapping[str, str]
    address: str
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the server, if it does not run, and wait until it answers."""
        if self.process is None:
            clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "AWS_"))}
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command, stdout=log, stderr=log, start_new_session=True, env=clean | self.variables
                )
            _wait(self.process, f"{self.address}/health", self.log)

    def kill(self) -> None:
        """End the server at once, as `kill -9` and a loss of power do."""
        if self.process is not None:
            _kill(self.process)
            self.process = None


@contextmanager
def team_server() -> Iterator[Server]:
    """Run MLflow with PostgreSQL and an S3 server. Clients need no keys of the object store.

    Yields:
        The server, which is started.
    """
    for library in ("psycopg", "boto3"):
        if find_spec(library) is None:
            pytest.skip(f"there is no {library}: install unroll[server]")
    # pytest makes temporary folders that the user of the database cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="unroll-"))
    try:
        (folder / "database").mkdir()
        folder.chmod(0o755)
        with database(folder / "database") as backend, object_store(folder) as s3:
            port = free_port()
            command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
            command += ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", backend]
            command += ["--artifacts-destination", f"s3://{BUCKET}/artifacts"]
            variables = KEYS | {
                "MLFLOW_S3_ENDPOINT_URL": s3,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            }
            server = Server(command, variables, f"http://127.0.0.1:{port}", folder / "mlflow.log")
            try:
                server.start()
                yield server
            finally:
                server.kill()
    finally:
        shutil.rmtree(folder)


def free_port() -> int:
    """Return a port that no program uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str, seconds: float = STARTUP) -> None:
    """Wait until a condition holds; it is an error if that takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} seconds"
        time.sleep(0.1)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    def answers() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-5000:]
        try:
            return requests.get(address, timeout=10).ok
        except requests.RequestException:
            return False

    try:
        wait_for(answers, address)
    except BaseException:
        _kill(process)
        raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it started, which are a group of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
