"""One step of a recurrent cell, as textbooks draw it: boxes with weights, and operations on each coordinate."""

from unroll.params.layers import Cell
from unroll.report.networks.canvas import RADIUS, Canvas, sub

WIDTH, HEIGHT = 660, 300
TOP, MIDDLE, HIDDEN, INPUT = 70, 120, 205, 243
"""The heights of the lines of the state, of that of a simple network, of h_{t-1} beside gates, and of x_t."""
GATE = 165
"""The height of the gates."""
NAMES: dict[Cell, str] = {
    "rnn": "RNN (tanh)",
    "rnn_relu": "RNN (ReLU)",
    "rnn_sigmoid": "RNN (sigmoid)",
    "rnn_identity": "RNN (identity)",
    "gru": "GRU",
    "gru_reset_before": "GRU (Cho)",
    "lstm": "LSTM",
    "mingru": "minGRU",
    "minlstm": "minLSTM",
}
PRODUCTS: dict[Cell, tuple[int, int]] = {"lstm": (4, 4), "gru": (3, 3), "gru_reset_before": (3, 3)}
PRODUCTS |= {"mingru": (2, 0), "minlstm": (3, 0)}
"""The number of products with the input and with the state; one of each for a simple network."""
NONLINEARITIES: dict[Cell, str] = {"rnn": "tanh", "rnn_relu": "ReLU", "rnn_sigmoid": "σ", "rnn_identity": "identity"}

NOTES: dict[Cell, str] = {
    "lstm": "; σ and tanh act on W x + U h + b, but for the last tanh",
    "rnn": "; the sum also has a bias b",
}
NOTES |= dict.fromkeys(("rnn_relu", "rnn_sigmoid", "rnn_identity"), NOTES["rnn"])
NOTES |= dict.fromkeys(("gru", "gru_reset_before"), "; the gates z and r are σ(W x + U h + b)")
NOTES |= dict.fromkeys(("mingru", "minlstm"), ", so all steps are one scan")


def draw_cell(cell: Cell, input_size: int, hidden_size: int, place: str = "the first layer") -> Canvas:
    """Draw one step of a cell.

    Args:
        cell: The cell.
        input_size: The size of its input.
        hidden_size: The size of its state.
        place: The layer that it is in.

    Returns:
        The diagram, with the sizes of the vectors at the arrows and those of the weights below.
    """
    canvas = Canvas(WIDTH, HEIGHT + 34, f"one step of {NAMES[cell]}")
    canvas.text(24, 18, f"One step of {place}: {NAMES[cell]}", "start", "note")
    canvas.box(330, 158, "", 440, 222, "cell")
    match cell:
        case "lstm":
            _draw_lstm(canvas, hidden_size)
        case "gru" | "gru_reset_before":
            _draw_gru(canvas, cell == "gru_reset_before")
        case "mingru":
            _draw_mingru(canvas)
        case "minlstm":
            _draw_minlstm(canvas)
        case _:
            _draw_simple(canvas, NONLINEARITIES[cell])
    canvas.text(160, 287, sub("x", "t"))
    canvas.text(180, 287, f"{input_size:,}", "start", "size")
    for x in (54, 606):
        canvas.text(x, (MIDDLE if cell in NONLINEARITIES else TOP) + 18, f"{hidden_size:,}", "middle", "size")
    inputs, states = PRODUCTS.get(cell, (1, 1))
    weights = f"W: {inputs * hidden_size:,} × {input_size:,}"
    weights += f"; U: {states * hidden_size:,} × {hidden_size:,}" if states else "; no gate reads the state"
    canvas.text(24, 314, weights + NOTES.get(cell, ""), "start", "note")
    return canvas


def _draw_state(canvas: Canvas, name: str, stops: list[tuple[int, str]]) -> None:
    """Draw the line of the state through operations at the places x."""
    canvas.text(54, TOP, sub(name, "t-1"))
    left = 76
    for x, operation in stops:
        canvas.line((left, TOP), (x - RADIUS, TOP))
        canvas.operation(x, TOP, operation)
        left = x + RADIUS
    canvas.line((left, TOP), (586, TOP))
    canvas.text(606, TOP, sub(name, "t"))


def _draw_input(canvas: Canvas, *gates: int) -> None:
    """Draw the line of x_t to gates at the places x."""
    canvas.line((160, 276), (160, INPUT), (gates[-1], INPUT), head=False)
    for x in gates:
        canvas.line((x, INPUT), (x, GATE + 14))
        if x != gates[-1]:
            canvas.dot(x, INPUT)


def _draw_simple(canvas: Canvas, nonlinearity: str) -> None:
    canvas.text(54, MIDDLE, sub("h", "t-1"))
    canvas.line((76, MIDDLE), (175, MIDDLE))
    canvas.box(200, MIDDLE, "U", 50, 28, "gate")
    canvas.line((225, MIDDLE), (330 - RADIUS, MIDDLE))
    canvas.operation(330, MIDDLE, "+")
    canvas.line((330 + RADIUS, MIDDLE), (395, MIDDLE))
    canvas.box(432, MIDDLE, nonlinearity, 74, 28, "gate")
    canvas.line((469, MIDDLE), (586, MIDDLE))
    canvas.text(606, MIDDLE, sub("h", "t"))
    canvas.line((160, 276), (160, 200), (250, 200))
    canvas.box(275, 200, "W", 50, 28, "gate")
    canvas.line((300, 200), (330, 200), (330, MIDDLE + RADIUS))


def _draw_lstm(canvas: Canvas, size: int) -> None:
    _draw_state(canvas, "C", [(190, "×"), (340, "+")])
    canvas.text(54, HIDDEN, sub("h", "t-1"))
    canvas.line((76, HIDDEN), (414, HIDDEN), head=False)
    canvas.line((160, 276), (160, HIDDEN), head=False)
    canvas.dot(160, HIDDEN)
    for x, name, nonlinearity in ((190, "f", "σ"), (265, "i", "σ"), (340, "g", "tanh"), (414, "o", "σ")):
        canvas.line((x, HIDDEN), (x, GATE + 14))
        if x != 414:
            canvas.dot(x, HIDDEN)
        canvas.box(x, GATE, nonlinearity, 44, 28, "gate")
        canvas.text(x + 8, GATE - 25, sub(name, "t"), "start")
    canvas.line((190, GATE - 14), (190, TOP + RADIUS))
    canvas.line((265, GATE - 14), (265, 115), (340 - RADIUS, 115))
    canvas.line((340, GATE - 14), (340, 115 + RADIUS))
    canvas.operation(340, 115, "×")
    canvas.line((340, 115 - RADIUS), (340, TOP + RADIUS))
    canvas.dot(490, TOP)
    canvas.line((490, TOP), (490, 101))
    canvas.box(490, 115, "tanh", 44, 28, "operation")
    canvas.line((490, 129), (490, GATE - RADIUS))
    canvas.line((436, GATE), (490 - RADIUS, GATE))
    canvas.operation(490, GATE, "×")
    canvas.line((490, GATE + RADIUS), (490, HIDDEN), (586, HIDDEN))
    canvas.text(606, HIDDEN, sub("h", "t"))
    for x in (54, 606):
        canvas.text(x, HIDDEN + 18, f"{size:,}", "middle", "size")


def _draw_gru(canvas: Canvas, reset_before: bool) -> None:
    _draw_state(canvas, "h", [(200, "×"), (470, "+")])
    canvas.dot(125, TOP)
    product, reset = (400, 340) if reset_before else (340, 400)
    canvas.line((125, TOP), (125, HIDDEN), (min(product - 20, reset - RADIUS), HIDDEN))
    for x, name in ((200, "z"), (285, "r")):
        canvas.dot(x - 8, HIDDEN)
        canvas.line((x - 8, HIDDEN), (x - 8, GATE + 14))
        canvas.line((x + 8, INPUT), (x + 8, GATE + 14))
        canvas.dot(x + 8, INPUT)
        canvas.box(x, GATE, "σ", 44, 28, "gate")
        canvas.text(x + 8, GATE - 23, sub(name, "t"), "start")
    canvas.line((200, GATE - 14), (200, TOP + RADIUS))
    canvas.dot(200, 108)
    canvas.line((200, 108), (304, 108))
    canvas.box(327, 108, "1 −", 46, 24, "operation")
    canvas.line((350, 108), (470 - RADIUS, 108))
    canvas.line((285, GATE - 14), (285, 134), (reset, 134), (reset, HIDDEN - RADIUS))
    canvas.box(product, HIDDEN, "U", 40, 28, "gate")
    canvas.operation(reset, HIDDEN, "×")
    first, second = (340 + RADIUS, 400 - 20) if reset_before else (340 + 20, 400 - RADIUS)
    canvas.line((first, HIDDEN), (second, HIDDEN))
    canvas.line(((420 if reset_before else 400 + RADIUS), HIDDEN), (460, HIDDEN), (460, GATE + 14))
    canvas.line((160, 276), (160, INPUT), (480, INPUT), (480, GATE + 14))
    canvas.box(470, GATE, "tanh", 50, 28, "gate")
    canvas.text(480, GATE - 23, sub("n", "t"), "start")
    canvas.line((470, GATE - 14), (470, 108 + RADIUS))
    canvas.operation(470, 108, "×")
    canvas.line((470, 108 - RADIUS), (470, TOP + RADIUS))


def _draw_mingru(canvas: Canvas) -> None:
    _draw_state(canvas, "h", [(240, "×"), (450, "+")])
    _draw_input(canvas, 240, 450)
    canvas.box(240, GATE, "σ", 44, 28, "gate")
    canvas.box(450, GATE, "W", 44, 28, "gate")
    canvas.text(462, GATE - 25, "candidate", "start", "note")
    canvas.dot(240, 134)
    canvas.text(232, GATE - 25, sub("z", "t"), "end")
    canvas.line((240, GATE - 14), (240, 122))
    canvas.box(240, 110, "1 −", 46, 24, "operation")
    canvas.line((240, 98), (240, TOP + RADIUS))
    canvas.line((240, 134), (380, 134), (380, 115), (450 - RADIUS, 115))
    canvas.line((450, GATE - 14), (450, 115 + RADIUS))
    canvas.operation(450, 115, "×")
    canvas.line((450, 115 - RADIUS), (450, TOP + RADIUS))


def _draw_minlstm(canvas: Canvas) -> None:
    _draw_state(canvas, "h", [(240, "×"), (450, "+")])
    _draw_input(canvas, 200, 280, 450)
    for x, name in ((200, "f"), (280, "i")):
        canvas.box(x, GATE, "σ", 44, 28, "gate")
        canvas.line((x, GATE - 14), (x, 129))
        canvas.text(x + (-8 if name == "f" else 8), GATE - 25, sub(name, "t"), "end" if name == "f" else "start")
    canvas.box(450, GATE, "W", 44, 28, "gate")
    canvas.text(462, GATE - 25, "candidate", "start", "note")
    canvas.box(240, 115, "f / (f + i)", 110, 28, "operation")
    canvas.line((240, 101), (240, TOP + RADIUS))
    canvas.line((295, 115), (350, 115))
    canvas.box(373, 115, "1 −", 46, 24, "operation")
    canvas.line((396, 115), (450 - RADIUS, 115))
    canvas.line((450, GATE - 14), (450, 115 + RADIUS))
    canvas.operation(450, 115, "×")
    canvas.line((450, 115 - RADIUS), (450, TOP + RADIUS))
