"""The workers of a dask cluster, as an executor of commands."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unroll.errors import UnrollError
from unroll.pipeline.durations import Measured, estimate
from unroll.pipeline.runner.repository import Node
from unroll.pipeline.runner.run import ExecutorLostError
from unroll.pipeline.runner.shared_folder import Shared, inspect, run_on_worker, share_cores

if TYPE_CHECKING:
    from distributed import Client

CONNECT = 15
"""The seconds in which a scheduler must answer."""
JOIN = 60
"""The seconds in which a first worker must have joined."""
AHEAD = 2
"""The stages that each thread of a worker has: one runs, and one waits so that the thread is never idle."""
REFRESH = 1.0
"""The seconds between two looks at the scheduler and at which workers there are."""


@dataclass(eq=False)
class Cluster(Executor):
    """Runs commands on workers, which the scheduler of the cluster chooses, and limits how many are there at once."""

    client: "Client"
    address: str
    shared: Shared
    needs_gpu: bool
    """Whether the stages that depend on the param `device` need a GPU."""
    known: Mapping[str, Measured]
    """The measurements of earlier runs."""
    _workers: dict[str, Any] = field(default_factory=dict)
    _requests: dict[str, dict[str, float]] = field(default_factory=dict)
    _running: set[Future[Any]] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    def check(self, share_threads: bool) -> None:
        """Check all workers, before any stage runs.

        Args:
            share_threads: Whether the stages on a machine share its cores, since the number of threads changes no
                result.

        Raises:
            UnrollError: There is no worker, one does not see the shared folder or has other versions, or GPUs are
                needed and no worker has any.
        """
        from distributed import TimeoutError as DaskTimeoutError

        try:
            self.client.wait_for_workers(1, timeout=JOIN)
        except DaskTimeoutError:
            raise UnrollError(
                f"--scheduler {self.address}: no worker has joined in {JOIN} s; start `dask worker`"
            ) from None
        try:
            answers = self.client.run(inspect, self.shared, on_error="return")
        except OSError:
            raise self._lost() from None
        found = {name: answer for name, answer in answers.items() if not isinstance(answer, Exception)}
        for answer in answers.values():
            if isinstance(answer, (ModuleNotFoundError, AttributeError)):
                raise UnrollError(f"a worker cannot load unroll ({answer}); start the workers in its environment")
            if isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise answer
            # An OSError says that the worker has just gone. Whatever replaces it is checked before it runs a command.
        self._workers = dict(self.client.scheduler_info(n_workers=-1)["workers"])
        if self.needs_gpu and not self._total("GPU"):
            raise UnrollError("device is cuda and no worker has a GPU; start workers with `--resources GPU=1`")
        if share_threads:
            threads = share_cores(found, {name: worker["nthreads"] for name, worker in self._workers.items()})
            part = self.shared.path.with_suffix(".part")
            part.write_text(json.dumps(threads), encoding="utf-8")
            part.replace(self.shared.path)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def jobs(self) -> int:
        """The number of stages at once."""
        return max(1, sum(worker["nthreads"] for worker in self._workers.values()))

    def admit(self, node: Node, ready: int) -> dict[str, str] | None:
        """Reserve what a stage needs.

        Args:
            node: The stage.
            ready: The number of other stages that could start now.

        Returns:
            The environment variables of its command; None if enough stages wait for the same workers.
        """
        on_gpu = self.needs_gpu and node.uses_device
        same = sum(("GPU" in request) == on_gpu for request in self._requests.values())
        if same >= AHEAD * (max(1, self._total("GPU")) if on_gpu else self.jobs):
            return None
        request = {"GPU": 1.0} if on_gpu else {}
        most = max((worker["resources"].get("MEMORY", 0.0) for worker in self._workers.values()), default=0.0)
        if most and (expected := estimate(node.name, self.known)):
            request["MEMORY"] = min(float(expected.memory), most)
        self._requests[node.name] = request
        return {}

    def release(self, name: str) -> None:
        """Return what a stage has reserved."""
        self._requests.pop(name, None)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a command.

        Args:
            function: Runs the command, on a worker.
            args: The command.
            kwargs: None.

        Returns:
            Its exit code. A stage whose worker dies runs again on another worker.

        Raises:
            ExecutorLostError: The scheduler is gone.
        """
        if self._over.is_set():
            raise self._lost()
        request = self._requests.get(args[0].name)
        outer: Future[Any] = Future()
        self._running.add(outer)
        try:
            executor = self.client.get_executor(pure=False, resources=request or None)
            inner: Future[Any] = executor.submit(run_on_worker, function, *args, self.shared, **kwargs)
        except Exception:  # the client has just been closed
            raise self._lost() from None
        inner.add_done_callback(lambda done: self._forward(done, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the watch over the scheduler.

        Args:
            wait: Has no effect, since a run waits for its stages.
            cancel_futures: Has no effect.
        """
        self._over.set()

    def _forward(self, inner: Future[Any], outer: Future[Any]) -> None:
        """Pass on how a command has ended."""
        from distributed import KilledWorker

        self._running.discard(outer)
        with suppress(InvalidStateError):  # it was given up
            try:
                outer.set_result(inner.result())
            except CancelledError:
                outer.set_exception(self._lost())
            except KilledWorker as error:
                tries = error.allowed_failures + 1
                outer.set_exception(
                    UnrollError(f"{tries} workers that ran it were killed; look at their logs and their memory")
                )
            except Exception as error:
                outer.set_exception(error)

    def _watch(self) -> None:
        """Look at which workers there are, and give up what runs when the scheduler is gone.

        The client gives up most of it itself, but not what is submitted at that moment.
        """
        while not self._over.wait(REFRESH):
            if self.client.status != "running":
                self._over.set()
                for outer in list(self._running):
                    with suppress(InvalidStateError):
                        outer.set_exception(self._lost())
            with suppress(Exception):  # the scheduler has just gone, which the next look sees
                self._workers = dict(self.client.scheduler_info(n_workers=-1)["workers"])

    def _lost(self) -> ExecutorLostError:
        return ExecutorLostError(
            f"--scheduler {self.address}: the scheduler is gone; what is finished is stored, "
            "so start a scheduler and workers, and run this again"
        )

    def _total(self, resource: str) -> int:
        return int(sum(worker["resources"].get(resource, 0) for worker in self._workers.values()))
