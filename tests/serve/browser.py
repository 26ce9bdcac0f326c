"""Headless Chromium, controlled by its DevTools protocol over two pipes, without a library and without a port."""

import base64
import fcntl
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PROGRAM = Path("/usr/bin/chromium")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
TIMEOUT = 120.0  # seconds; a busy machine is slow


class Browser:
    """A context manager of a browser with one page."""

    def __init__(self, folder: Path) -> None:
        read, write = os.pipe(), os.pipe()
        # The browser reads from descriptor 3 and writes to 4. Before its start, its ends have other numbers.
        theirs = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (write[0], read[1])]
        command = [str(PROGRAM), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *map(str, theirs), *command],
            pass_fds=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (*theirs, write[0], read[1]):
            os.close(end)
        self._to, self._from, self._rest, self._last = write[1], read[0], b"", 0
        self.session: str | None = None

    def __enter__(self) -> "Browser":
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._to)
        os.close(self._from)

    def send(self, method: str, **params: Any) -> Any:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (response := self._next()).get("id") != self._last:
            pass
        assert "error" not in response, response
        return response["result"]

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, as JSON."""
        output = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in output, output
        return output["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Evaluate an expression until its value is true, and return the value."""
        end = time.monotonic() + TIMEOUT
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"{expression} stays {value}"
            time.sleep(0.05)
        return value

    def expect(self, expression: str, value: Any) -> None:
        """Evaluate an expression until it has the value. A page draws later than it loads."""
        end = time.monotonic() + TIMEOUT
        while (seen := self.evaluate(expression)) != value and time.monotonic() < end:
            time.sleep(0.05)
        assert seen == value

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    def size(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], TIMEOUT)
            assert ready, "the browser does not respond"
            block = os.read(self._from, 1 << 16)
            assert block, "the browser has exited"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "Tab": 9}
