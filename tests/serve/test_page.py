"""The page in a real browser: typing moves the bars, surprise has colours, a script stays text."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

import unroll
from tests.serve.browser import PROGRAM, Browser
from unroll.serve.app import create

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no browser at {PROGRAM}: apt-get install chromium")
BARS = (
    "[...document.querySelectorAll('.card')].map(card => [...card.querySelectorAll('.word')].map(w => w.textContent))"
)


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    models = {name: unroll.load(workspace / "models" / name) for name in ("trigram", "hmm", "lstm", "chars")}
    server = uvicorn.Server(uvicorn.Config(create(models), port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def opened(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        browser.size(1200, 900)
        browser.send("Page.navigate", url=address)
        browser.wait("document.querySelectorAll('.card').length === 4")
        yield browser


def write(page: Browser, text: str) -> None:
    page.evaluate("document.getElementById('text').focus(), document.getElementById('text').select()")
    page.type(text)


def test_typing_updates_the_bars_of_every_model(opened: Browser) -> None:
    write(opened, "the students opened their ")
    opened.wait(f"{BARS}[0].slice(0, 2).sort().join() === 'books,laptops'")
    write(opened, "the time ")
    opened.wait(f"{BARS}[0][0] === 'traveller'")
    assert opened.evaluate("document.getElementById('where').textContent") == "the end"
    assert opened.evaluate(BARS)[3][0] == "traveller"  # whole words of the model of characters


def test_surprise_is_colour_and_number(opened: Browser) -> None:
    write(opened, "the students zebra")
    opened.wait("document.querySelectorAll('.card')[0].querySelectorAll('.token').length === 3")
    colours = opened.evaluate(
        "[...document.querySelector('.card').querySelectorAll('.token')].map(t => getComputedStyle(t).backgroundColor)"
    )
    assert len(set(colours)) == 3
    bits = opened.evaluate(
        "[...document.querySelector('.card').querySelectorAll('.token small')].map(t => +t.textContent)"
    )
    assert bits[2] > bits[1]


def test_the_keyboard_moves_through_the_positions(opened: Browser) -> None:
    write(opened, "the students opened")
    opened.wait("document.getElementById('position').max === '3'")
    opened.evaluate("document.getElementById('position').focus()")
    opened.press("Home")
    opened.press("ArrowRight")
    assert opened.wait("document.querySelector('.token[aria-current=true]').firstChild.textContent") == "students"
    assert opened.evaluate("document.querySelector('.came .word').textContent") == "students"


def test_a_script_that_is_typed_stays_text(opened: Browser) -> None:
    write(opened, "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>")
    opened.wait("[...document.querySelectorAll('.token')].some(token => token.textContent.includes('<script>'))")
    assert opened.evaluate(
        "window.ran === undefined && document.querySelectorAll('main img, main script').length === 0"
    )
    inline = "const s = document.createElement('script'); s.textContent = 'window.ran = 2'; document.body.append(s)"
    opened.evaluate(inline)  # even put there as an element, the page's policy does not run it
    assert opened.evaluate("window.ran === undefined")


def test_a_word_is_taken_with_a_click(opened: Browser) -> None:
    write(opened, "the time")
    opened.wait(f"{BARS}[0][0] === 'traveller'")
    opened.evaluate("document.querySelector('.card .next button').click()")
    assert opened.evaluate("document.getElementById('text').value") == "the time traveller "


def test_it_writes(opened: Browser) -> None:
    write(opened, "the time")
    opened.evaluate("document.querySelector('#generate button').click()")
    opened.wait("document.querySelectorAll('#texts li').length === 3")
    assert opened.evaluate("document.querySelector('#texts li').textContent").startswith("the time")


def test_a_press_is_answered_once_and_the_button_shows_that_it_waits(opened: Browser) -> None:
    opened.evaluate("window.asked = 0, window.real = fetch")
    opened.evaluate("window.fetch = (path, ...rest) => (asked += path === '/api/generate', real(path, ...rest))")
    opened.evaluate("for (let i = 0; i < 3; i++) document.querySelector('#generate button').click()")
    assert opened.evaluate("document.querySelector('#generate button').ariaBusy") == "true"
    opened.wait("document.querySelector('#generate button').ariaBusy === 'false'")
    assert opened.evaluate("window.fetch = real, asked") == 1


def test_it_fits_a_phone(opened: Browser) -> None:
    opened.size(360, 740)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    opened.size(1200, 900)
    assert opened.evaluate("document.getElementById('error').textContent") == ""
