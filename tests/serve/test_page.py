"""The page in a real browser: predictions follow the text, surprisal has colours, and a script stays text."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

import unroll
from tests.serve.browser import PROGRAM, Browser
from unroll.serve.app import create_app

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no browser at {PROGRAM}: apt-get install chromium")
BARS = (
    "[...document.querySelectorAll('.card')].map(card => [...card.querySelectorAll('.word')].map(w => w.textContent))"
)


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    models = {name: unroll.load(workspace / "models" / name) for name in ("trigram", "hmm", "lstm", "chars")}
    server = uvicorn.Server(uvicorn.Config(create_app(models), port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        browser.size(1200, 900)
        browser.send("Page.navigate", url=address)
        browser.wait("document.querySelectorAll('.card').length === 4")
        yield browser


def write(page: Browser, text: str) -> None:
    page.evaluate("document.getElementById('text').focus(), document.getElementById('text').select()")
    page.type(text)


@pytest.mark.slow
def test_typing_updates_the_predictions_of_every_model(page: Browser) -> None:
    write(page, "the students opened their ")
    page.wait(f"{BARS}[0].slice(0, 2).sort().join() === 'books,laptops'")
    write(page, "the time ")
    page.wait(f"{BARS}[0][0] === 'traveller'")
    page.expect("document.getElementById('where').textContent", "the end")
    page.expect(f"{BARS}[3][0]", "traveller")  # the model of characters predicts whole words


def test_surprisal_is_a_colour_and_a_number(page: Browser) -> None:
    write(page, "the students zebra")
    page.wait("document.querySelectorAll('.card')[0].querySelectorAll('.token').length === 3")
    colours = page.evaluate(
        "[...document.querySelector('.card').querySelectorAll('.token')].map(t => getComputedStyle(t).backgroundColor)"
    )
    assert len(set(colours)) == 3
    bits = page.evaluate(
        "[...document.querySelector('.card').querySelectorAll('.token small')].map(t => +t.textContent)"
    )
    assert bits[2] > bits[1]


def test_the_keyboard_moves_through_the_positions(page: Browser) -> None:
    write(page, "the students opened")
    page.wait("document.getElementById('position').max === '3'")
    page.evaluate("document.getElementById('position').focus()")
    page.press("Home")
    page.press("ArrowRight")
    assert page.wait("document.querySelector('.token[aria-current=true]').firstChild.textContent") == "students"
    page.expect("document.querySelector('.actual .word').textContent", "students")


def test_a_script_that_is_typed_stays_text(page: Browser) -> None:
    write(page, "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>")
    page.wait("[...document.querySelectorAll('.token')].some(token => token.textContent.includes('<script>'))")
    assert page.evaluate("window.ran === undefined && document.querySelectorAll('main img, main script').length === 0")
    inline = "const s = document.createElement('script'); s.textContent = 'window.ran = 2'; document.body.append(s)"
    page.evaluate(inline)  # the policy of the page does not run an inserted script either
    assert page.evaluate("window.ran === undefined")


def test_a_click_inserts_a_word(page: Browser) -> None:
    write(page, "the time")
    page.wait(f"{BARS}[0][0] === 'traveller'")
    page.evaluate("document.querySelector('.card .next button').click()")
    page.expect("document.getElementById('text').value", "the time traveller ")


def test_generation(page: Browser) -> None:
    write(page, "the time")
    page.evaluate("document.querySelector('#generate button').click()")
    page.wait("document.querySelectorAll('#texts li').length === 3")
    assert page.evaluate("document.querySelector('#texts li').textContent").startswith("the time")


def test_repeated_clicks_send_one_request_and_the_button_is_busy(page: Browser) -> None:
    page.evaluate("window.requests = 0, window.real = fetch")
    page.evaluate("window.fetch = (path, ...rest) => (requests += path === '/api/generate', real(path, ...rest))")
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('#generate button').click()")
    assert page.evaluate("document.querySelector('#generate button').ariaBusy") == "true"
    page.wait("document.querySelector('#generate button').ariaBusy === 'false'")
    assert page.evaluate("window.fetch = real, requests") == 1


def test_the_page_fits_a_phone(page: Browser) -> None:
    page.size(360, 740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.size(1200, 900)
    page.expect("document.getElementById('error').textContent", "")
