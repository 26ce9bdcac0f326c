"""Diagrams of networks: their sizes are those of the weights, and their texts neither overlap nor leave the picture."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
from pydantic import TypeAdapter

from tests.models.test_contract import CASES, RECURRENT, SEQ2SEQ, TRANSFORMER, WINDOW
from unroll.layers.recurrent import Recurrent
from unroll.models.bidirectional.model import Network as BidirectionalNetwork
from unroll.models.recurrent.model import Network
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.params.experiments import ModelParams
from unroll.params.layers import Cell
from unroll.params.load import load
from unroll.report.networks.canvas import Canvas, render_file, shorten
from unroll.report.networks.cells import draw_cell
from unroll.report.networks.draw import FAMILIES, draw_families, draw_network

ROOT = Path(__file__).parents[3]
WITH_CELLS = ("recurrent", "bidirectional", "seq2seq")
LARGE = {
    "lstm of 1024": RECURRENT | {"cell": "lstm", "embedding_size": 1024, "hidden_size": 1024},
    "deep": RECURRENT | {"cell": "rnn_identity", "layers": 9, "residual": True},
    "wide window": WINDOW | {"window": 12},
    "large transformer": TRANSFORMER | {"layers": 12, "hidden_size": 768, "heads": 12, "context": 1024},
    "large translator": SEQ2SEQ | {"layers": 4, "hidden_size": 1024, "bidirectional": True, "attention": "additive"},
}
DRAWN = {name: entry for name, entry in (CASES | LARGE).items() if entry["family"] in FAMILIES}
TOKENS = ["extraordinarily", "<b>unmistakable</b>", "wwwwwwwwwwwwwwww"]
SIZES = {"size": 11, "note": 12}
"""The size of the letters of each class of texts; others have 13 pixels."""


def settings(entry: dict[str, Any]) -> Any:
    return TypeAdapter(ModelParams).validate_python(entry)


def draw(entry: dict[str, Any]) -> list[Canvas]:
    return draw_network(settings(entry), (30_522, 50_257), TOKENS, TOKENS)


def texts(part: Canvas) -> list[tuple[str, str, float, float, float]]:
    """The class, the text, the left and the right end and the height of the middle of each text of a diagram."""
    found = []
    for element in ElementTree.fromstring(part.render()).iter("text"):
        text, kind = "".join(element.itertext()), element.get("class") or ""
        width = 0.56 * SIZES.get(kind, 13) * len(text)
        x, y = float(element.get("x", 0)), float(element.get("y", 0)) - 4
        left = {"start": x, "middle": x - width / 2, "end": x - width}[element.get("text-anchor", "start")]
        found.append((kind, text, left, left + width, y))
    return found


@pytest.mark.parametrize("case", DRAWN)
def test_texts_do_not_overlap_and_stay_in_the_picture(case: str) -> None:
    for part in draw(DRAWN[case]):
        placed = [row for row in texts(part) if row[1]]
        for _, text, left, right, y in placed:
            assert left >= 0, text
            assert right <= part.width, text
            assert 8 <= y <= part.height - 4, text
        for (_, one, left, right, y), (_, two, other_left, other_right, other_y) in combinations(placed, 2):
            apart = abs(y - other_y) >= 11 or right <= other_left or other_right <= left
            assert apart, f"{one} overlaps {two}"


@pytest.mark.parametrize("case", DRAWN)
def test_the_text_of_a_box_fits_into_it(case: str) -> None:
    for part in draw(DRAWN[case]):
        root = ElementTree.fromstring(part.render())
        for box in root.iter("rect"):
            x, width = float(box.get("x", 0)), float(box.get("width", 0))
            middle = float(box.get("y", 0)) + float(box.get("height", 0)) / 2
            inside = [row for row in texts(part) if row[4] == middle and x <= (row[2] + row[3]) / 2 <= x + width]
            for _, text, left, right, _ in inside if box.get("class") != "cell" else ():
                assert x <= left, text
                assert right <= x + width, text


@pytest.mark.parametrize("cell", get_args(Cell))
def test_the_sizes_of_the_weights_are_those_of_the_layer(cell: Cell) -> None:
    layer = Recurrent(cell, 6, 5, 1, 0.0).layers[0]
    note = next(text for kind, text, *_ in texts(draw_cell(cell, 6, 5)) if text.startswith("W: "))
    shown = {name: tuple(map(int, sizes)) for name, *sizes in re.findall(r"([WU]): (\d+) × (\d+)", note)}
    weights = {"W": layer.weight_ih_l0, "U": getattr(layer, "weight_hh_l0", None)}
    assert shown == {name: tuple(weight.shape) for name, weight in weights.items() if weight is not None}


@pytest.mark.parametrize("case", [name for name, entry in CASES.items() if entry["family"] in WITH_CELLS])
def test_the_sizes_of_the_weights_are_those_of_the_network(case: str) -> None:
    params = settings(CASES[case])
    sizes = (12, 20)
    if params.family == "seq2seq":
        network, layer = EncoderDecoder(params, *sizes), "decoder"
    else:
        network, layer = (Network if params.family == "recurrent" else BidirectionalNetwork)(params, 20), ""
    weights = next(each for name, each in network.named_parameters() if layer in name and "weight_ih_l0" in name)
    note = next(text for _, text, *_ in texts(draw_network(params, sizes)[1]) if text.startswith("W: "))
    assert note.startswith("W: {} × {};".format(*weights.shape))


def test_the_sizes_and_the_tokens_of_a_network() -> None:
    entry = RECURRENT | {"cell": "lstm", "embedding_size": 24, "hidden_size": [20, 24], "layers": 2}
    unrolled, cell = draw_network(settings(entry), (None, 1234), ["the", "cat", "sat"])
    shown = [text for _, text, *_ in texts(unrolled)]
    for text, count in {"1 of 1,234": 3, "1,234": 3, "LSTM": 6, "2 × 20": 2, "2 × 24": 2, "20": 3, "24": 6}.items():
        assert shown.count(text) == count, text
    assert {"<bos>", "the", "cat", "p(the)", "p(cat)", "p(sat)"} <= set(shown)
    assert "W: 80 × 24; U: 80 × 20; σ" in next(text for _, text, *_ in texts(cell) if text.startswith("W: "))
    fewer = [text for _, text, *_ in texts(draw_network(settings(entry), (None, 1234), ["the"])[0])]
    assert {"<bos>", "the", "x2", "p(x3)"} <= set(fewer)


def test_a_window_shows_the_sum_of_its_sizes_and_a_block_its_heads() -> None:
    (window,) = draw_network(settings(WINDOW | {"window": 5}), (None, 1234))
    assert "one vector of 5 × 16 = 80 values" in [text for _, text, *_ in texts(window)]
    assert "… 2 more" in [text for _, text, *_ in texts(window)]
    block = draw_network(settings(TRANSFORMER), (None, 1234))[1]
    assert {"attention", "2 heads of 8", "16 → 32 → 16"} <= {text for _, text, *_ in texts(block)}


def test_attention_reaches_as_far_as_the_context_of_a_transformer() -> None:
    def arrows(context: int) -> int:
        return str(draw(TRANSFORMER | {"context": context, "layers": 2})[0].render()).count('polyline class="faint"')

    assert [arrows(context) for context in (1, 2, 3, 99)] == [0, 4, 6, 6]


def test_of_many_layers_the_first_and_the_last_are_drawn() -> None:
    shown = [text for _, text, *_ in texts(draw(RECURRENT | {"cell": "gru", "layers": 9})[0])]
    assert (shown.count("GRU"), shown.count("⋮")) == (6, 3)
    assert any(text.startswith("9 layers") for text in shown)


def test_a_file_needs_no_variables_and_equal_settings_give_equal_bytes() -> None:
    written = [render_file(draw(DRAWN["lstm"]), "models/<lstm>") for _ in range(2)]
    assert written[0] == written[1]
    assert "var(" not in written[0]
    assert "url(" not in written[0]
    root = ElementTree.fromstring(written[0])
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "models/<lstm>"


def test_tokens_are_text_and_long_ones_are_cut() -> None:
    assert [shorten(token) for token in ("cat", " ", "extraordinarily")] == ["cat", "␣", "extraordina…"]
    assert shorten("a\x00\x1bb") == "a··b"
    elements = [
        element.tag for part in draw(DRAWN["gru-dot"]) for element in ElementTree.fromstring(part.render()).iter()
    ]
    assert set(elements) == {"svg", "text", "tspan", "rect", "circle", "polyline", "polygon"}


def test_the_page_has_the_first_network_of_each_family_and_cell() -> None:
    entries = {"a": CASES["lstm"], "b": CASES["lstm-two-layers"], "c": CASES["rnn"], "d": CASES["lstm-additive"]}
    entries |= {"e": CASES["unigram"], "f": CASES["window"], "g": CASES["transformer"]}
    entries["h"] = CASES["seq2seq-dot"]
    experiments = {name: settings(entry) for name, entry in entries.items()}
    drawn = draw_families(experiments, dict.fromkeys("abcdefh", 99), {"c": (["cat"], []), "h": (["kat"], ["cats"])})
    assert [name for name, _ in drawn] == ["a", "c", "d", "f", "h"]  # g was not evaluated
    assert [len(parts) for _, parts in drawn] == [2, 2, 2, 1, 2]
    assert "p(cat)" in drawn[1][1][0]
    assert ">cats<" in drawn[4][1][0]
    assert "p(kat)" in drawn[4][1][0]


def test_every_network_of_params_yaml_can_be_drawn() -> None:
    experiments = load(ROOT / "params.yaml").experiments
    drawn = [name for name, _ in draw_families(experiments, dict.fromkeys(experiments, 99), {})]
    assert {"rnn", "gru", "lstm", "seq2seq", "seq2seq_attention"} <= set(drawn)
    assert "lstm_2" in experiments
    assert "lstm_2" not in drawn
