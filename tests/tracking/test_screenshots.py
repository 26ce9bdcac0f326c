"""The pages of MLflow show the runs as docs/tracking.md says: columns, parents with children, and charts.

The columns are a shared view of the experiment: a tag, whose key is in the address. With UNROLL_SCREENSHOTS=FOLDER the
pictures of the documents are written there: tracking-runs.png and tracking-curves.png.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.serve.browser import PROGRAM, TIMEOUT, Browser
from tests.tracking.logged import COUNTED, EXPERIMENT, SEEDS, TRIED, Log, log_runs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"no browser at {PROGRAM}: apt-get install chromium"),
]
DOCUMENT = (Path(__file__).parents[2] / "docs" / "tracking.md").read_text(encoding="utf-8")
COLUMNS = ["test_perplexity", "bits_per_byte", "best_valid_loss", "parameters", "train_seconds"]
METRICS = [f"metrics.`{name}`" for name in COLUMNS]
TABLE = {"selectedColumns": METRICS, "columnOrder": METRICS, "columnWidths": dict.fromkeys(METRICS, 130)}
CHARTS = {
    "searchFilter": "tags.`unroll.kind` = 'model' and metrics.best_valid_loss > 0",
    "orderByKey": "metrics.`test_perplexity`",
    "orderByAsc": True,
    "chartsSearchFilter": "^valid_loss$",
}
QUIET = """
localStorage['mlflow.assistant.fab.autoOpenedOnFirstLoad_v1'] = 'true'  // the assistant stays closed
localStorage['mlflow.workflowType_v1'] = JSON.stringify('machine_learning')
"""
NAMES = """
    [...document.querySelectorAll('.ag-pinned-left-cols-container [role=row]')]
        .sort((one, other) => one.getAttribute('row-index') - other.getAttribute('row-index'))
        .map(row => row.querySelector('a')?.innerText)
"""
EXPANDERS = "[...document.querySelectorAll('[role=gridcell] button[data-component-id*=runnamecell]')]"
CELLS = "[...document.querySelectorAll('.ag-center-cols-container [role=gridcell]')].map(cell => cell.innerText)"
HEADS = """
    [...document.querySelectorAll('.ag-header-cell[col-id^=metrics]')]
        .sort((one, other) => one.getAttribute('aria-colindex') - other.getAttribute('aria-colindex'))
        .map(cell => cell.innerText.trim())
"""
DIALOG = "document.querySelector('[role=dialog]')"
LEGEND = f"{DIALOG}?.innerText.split('\\n').filter(line => line.endsWith('(valid_loss)'))"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("store")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        log = log_runs()
        for key, state in {"models": TABLE, "curves": CHARTS}.items():
            log.client.set_experiment_tag(log.experiment, f"mlflow.sharedViewState.{key}", json.dumps(state))
        yield log


@pytest.fixture(scope="module")
def address(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the runs of the experiment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = (tmp_path_factory.mktemp("server") / "output.txt").open("w+")
    command = [sys.executable, "-m", "unroll", "ui", "--port", str(port)]
    server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    end = time.monotonic() + TIMEOUT
    try:
        while not _is_up(port):
            assert server.poll() is None, Path(output.name).read_text()
            assert time.monotonic() < end, Path(output.name).read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/#/experiments/{log.experiment}/runs"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=TIMEOUT)
        output.close()


def _is_up(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "browser") as browser:
        browser.size(1200, 800)
        browser.send("Page.enable")
        browser.send("Page.addScriptToEvaluateOnNewDocument", source=QUIET)
        yield browser


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("UNROLL_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def open_runs(page: Browser, address: str, query: str, runs: int) -> None:
    """Open the page, and wait for its rows."""
    page.send("Page.navigate", url=f"{address}?{query}")
    page.wait(f"document.body !== null && document.body.innerText.includes('{runs} matching runs')")


def open_view(page: Browser, address: str, query: str, runs: int) -> None:
    """Open the page with a shared view, wait for its rows, and leave more room for them."""
    open_runs(page, address, query, runs)
    for button in ("Hide banner", "Toggle sidebar"):
        page.wait(f"""document.querySelector('[aria-label="{button}"]') !== null""")
    page.evaluate("""document.querySelector('[aria-label="Hide banner"]').click()""")
    page.evaluate("""document.querySelector('[aria-label="Toggle sidebar"]').click()""")


def test_the_table_has_the_columns_of_the_view_and_parents_with_their_children(
    page: Browser, address: str, pictures: Path
) -> None:
    open_view(page, address, "viewStateShareKey=models", 14)
    page.wait(f"{EXPANDERS}.length === 3")
    page.expect(NAMES, [EXPERIMENT, "lstm, 3 seeds", "gru, 3 seeds", "bigram", "trigram", "kneser5"])
    for index in (2, 1, 0):
        page.evaluate(f"{EXPANDERS}[{index}].click()")
    page.wait(f"{NAMES}.length === 14")
    page.expect(
        f"{NAMES}.slice(0, 7)",
        [
            *(EXPERIMENT, f"lstm {EXPERIMENT}", f"gru {EXPERIMENT}"),
            *("lstm, 3 seeds", "lstm_3", "lstm_2", "lstm"),
        ],
    )
    page.expect(HEADS, COLUMNS)
    numbers = [str(perplexity) for perplexity in (*TRIED.values(), *SEEDS["lstm"], *SEEDS["gru"])]
    page.expect(f"{json.dumps(numbers)}.filter(number => !{CELLS}.includes(number))", [])
    page.screenshot(pictures / "tracking-runs.png")


def test_the_address_of_the_documents_ranks_the_models(page: Browser, address: str) -> None:
    [query] = re.findall(r"^http://127.0.0.1:5000/#/experiments/1/runs\?(.*)$", DOCUMENT, re.MULTILINE)
    open_runs(page, address, query, 11)
    perplexities = {f"{model} {EXPERIMENT}": perplexity for model, perplexity in TRIED.items()} | COUNTED
    for model, values in SEEDS.items():
        perplexities |= {model if seed == 1 else f"{model}_{seed}": value for seed, value in enumerate(values, 1)}
    page.expect(NAMES, sorted(perplexities, key=lambda name: perplexities[name]))


def test_the_chart_has_the_curve_of_every_network(page: Browser, address: str, pictures: Path) -> None:
    open_view(page, address, "compareRunsMode=CHART&viewStateShareKey=curves", 8)
    best = [f"gru {EXPERIMENT}", "gru_2", "gru", "gru_3", f"lstm {EXPERIMENT}", "lstm_2", "lstm", "lstm_3"]
    page.expect(NAMES, best)
    page.wait("document.querySelectorAll('.js-plotly-plot').length === 1")
    page.wait("document.querySelector('[data-component-id=fullscreen_button_chartcard]') !== null")
    page.evaluate("document.querySelector('[data-component-id=fullscreen_button_chartcard]').click()")
    page.wait("document.querySelectorAll('[role=dialog] .js-plotly-plot .trace').length > 0")
    page.expect(LEGEND, [f"{name} (valid_loss)" for name in best])
    page.screenshot(pictures / "tracking-curves.png")
