"""The report page: all sections, escaped text, equal bytes, and its behaviour in a browser."""

import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.report.findings import findings
from unroll.evaluation.analysis.table_growth import grow
from unroll.report import page
from unroll.report.series import Fan, Row, SeriesSection

HOSTILE = """<script>document.title='owned'</script>"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.slow
def test_case_71_markup_in_the_corpus_is_escaped() -> None:
    quiet, hostile = page.render(findings()), page.render(findings(HOSTILE))
    assert hostile.count("&lt;script&gt;document") >= 5
    assert "<script>document.title" not in hostile
    assert "<img" not in hostile
    assert [tag for tag, _ in Elements(hostile).tags] == [tag for tag, _ in Elements(quiet).tags]
    assert not any(name.startswith("on") for _, attributes in Elements(hostile).tags for name in attributes)
    assert "{{ 7 * 7 }}" in hostile
    assert "default-src 'none'" in hostile


def test_taggers_have_a_table_by_tag_and_a_confusion_matrix() -> None:
    text = page.render(findings("NOUN"))
    assert '<a href="#tagging">' in text
    section = text.split('<section id="tagging">')[1].split("</section>")[0]
    assert section.index("<b>ceiling</b>") < section.index("<b>tagger</b>")  # the most accurate one first
    assert "knows the grammar" in section
    assert "85.00 – 95.00 %" in section
    assert '<td data-value="inf">∞</td>' in section
    assert "Confusion matrix of tagger" in section
    assert "NOUN/NOUN[other]" in section
    assert "<th>span F1</th>" in section
    assert '<td data-value="0.875">0.875</td>' in section
    results = findings().results
    without = page.render(replace(findings(), results=results.drop(columns="span_f1")))
    assert "<th>span F1</th>" not in without


def test_the_page_needs_no_other_file() -> None:
    text = page.render(findings())
    for tag, attributes in Elements(text).tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    assert len(text) < 1_500_000


@pytest.mark.slow
def test_equal_findings_give_equal_bytes() -> None:
    assert page.render(findings()) == page.render(findings())


def test_a_run_with_another_seed_changes_nothing_but_the_variance() -> None:
    once = findings()
    lstm = once.results[once.results.model == "lstm"]
    added = {
        field: {**getattr(once, field), "lstm_2": getattr(once, field)["lstm"]}
        for field in ("losses", "diagnostics", "curves", "samples")
    }
    again = lstm.assign(model="lstm_2", dynamic_perplexity=9.0, repeats=True)
    twice = replace(once, results=pd.concat([once.results, again], ignore_index=True), **added)
    assert page.render(twice) == page.render(once)


def test_every_section_is_there() -> None:
    text = page.render(findings())
    for part in (
        "leaderboard",
        "differences",
        "seeds",
        "oracle",
        "learning",
        "recurrence",
        "context",
        "gains",
        "samples",
        "frequencies",
        "classification",
        "series",
        "pipeline",
    ):
        assert f'<section id="{part}">' in text
    # excess, frequency, train size, k step; learning, gradients; flow, radius; cut, shuffled, position; frequencies;
    # calibration; two maps; series: errors, and forecasts of two columns by two forecasters
    assert text.count('class="chart"') == 20
    assert "lstm: the embedding of its tokens." in text
    assert "glove: 5 dimensions, for 50.0 % of the vocabulary." in text
    assert "01234567·fedcba98" in text
    assert "% higher" in text


def test_word_vectors_are_shown_by_the_frequency_of_words() -> None:
    text = page.render(findings("<b>"))
    section = text[text.index("<h3>Rare and frequent words</h3>") :]
    assert "<td>1-9</td><td>1,234</td><td>56</td>\n<td>62.5 %</td>" in section
    assert "<td>10-</td><td>1,234</td><td>0</td>\n<td></td>" in section  # no position, so no share
    assert "<b>&lt;b&gt;</b>: b, &lt;b&gt;</td>" in section


def test_a_series_of_one_column_has_no_tables_of_columns() -> None:
    rows = [Row("ar", "autoregression", 4, {("rmse", 1): 0.5})]
    metrics = {"steps": [1], "train": 30, "test": 10}
    one = SeriesSection(
        "one", metrics, rows, {"ar": [(1, 0.5)]}, {"value": [Fan("ar", [[(1, 0.0)]], [(2, 0.0)], [1.0])]}
    )
    text = page.render(replace(findings(), series=[one]))
    section = text[text.index('<section id="series">') : text.index('<section id="pipeline">')]
    assert section.count("<table") == section.count('class="chart"') == 1
    assert "<summary>Forecasts from the first test value on</summary>" in section
    assert "Missing" not in section
    both = page.render(findings())
    assert "Missing numbers, which are neither filled nor measured: 3 of word level." in both
    assert both.count("in its own units</summary>") == 2


def test_an_in_sample_perplexity_is_marked_and_says_what_was_fitted() -> None:
    text = page.render(findings())
    assert len(re.findall(r'title="fitted on the valid split: stopping epoch">[\d.,]+\*</td>', text)) == 1
    assert len(re.findall(r"\d\*</td>", text)) == 1
    assert "lstm fitted or selected: stopping epoch." in text


def with_diagnostics(**added: Any) -> page.Findings:
    """The findings with more diagnostics of the model `lstm`."""
    shown = findings()
    return replace(shown, diagnostics={**shown.diagnostics, "lstm": {**shown.diagnostics["lstm"], **added}})


def section_of(text: str, name: str) -> str:
    return text[text.index(f'<section id="{name}">') :].partition("</section>")[0]


def test_the_influence_of_earlier_tokens() -> None:
    influence = {"tokens": ["the", "<b>", "sat"], "nats": [[0, 0, 0], [2.0, 0, 0], [-1.0, "-inf", 0]]}
    section = section_of(page.render(with_diagnostics(influence=influence)), "context")
    assert "Influence in lstm</summary>" in section
    cells = re.findall(r'<td( class="against")? style="--heat: ([\d.]+)" title="([^"]+)">', section)
    assert cells == [("", "1.00", "+2.00"), (' class="against"', "0.50", "-1.00"), (' class="against"', "1.00", "-inf")]
    assert "<th>&lt;b&gt;</th>" in section
    unmoved = {"tokens": ["a", "b"], "nats": [[0.0, 0.0], [0.0, 0.0]]}
    assert 'style="--heat: 0.00" title="+0.00"' in page.render(with_diagnostics(influence=unmoved))
    assert "word by word" not in page.render(findings())


def test_the_entropy_of_predictions_is_shown_beside_their_perplexity() -> None:
    row = {"predictions": 2000, "entropy": 3 * math.log(2), "nats": math.log(12), "error": 0.1}
    section = section_of(page.render(with_diagnostics(calibration=row | {"groups": [row, row]})), "calibration")
    for shown in (">3.00<", ">8.00<", ">12.00<", ">1.500<", ">2,000<"):  # bits, 2^3, perplexity, their ratio
        assert shown in section
    assert section.count("<polyline") == 1
    impossible = with_diagnostics(calibration=row | {"nats": "inf", "groups": []})
    assert 'id="calibration"' not in page.render(impossible) + page.render(findings())


def test_the_growth_of_tables_is_shown_beside_what_is_stored() -> None:
    rows = grow(100, [(1, 100), (100, 350), (350, 900)])
    section = section_of(page.render(with_diagnostics(table_growth=rows)), "growth")
    assert "<td>3</td><td>1e+04</td><td>9.9e+05</td><td>1e+06</td>" in section
    assert "<td>350</td><td>900</td><td>0.035</td>" in section
    assert 'id="growth"' not in page.render(findings())


def test_frequencies_by_rank_are_shown_beside_zipfs_law() -> None:
    text = page.render(findings())
    section = text[text.index('<section id="frequencies">') : text.index('<section id="classification">')]
    assert section.count("<polyline") == 2
    for shown in ("symbols: 0.5 at 1", "symbols: 0.0625 at 5", "labels: 0.25 at 2"):
        assert shown in section
    for shown in ("law: 0.438 at 1", "law: 0.0876 at 5"):  # 1 / (1 + 1/2 + 1/3 + 1/4 + 1/5) = 60 / 137
        assert shown in section
    assert 'id="frequencies"' not in page.render(replace(findings(), frequencies={}))


def test_recurrent_networks_share_one_chart_of_each_kind() -> None:
    text = page.render(findings())
    section = text[text.index('<section id="recurrence">') : text.index('<section id="context">')]
    assert section.count('class="chart"') == 2
    assert "gru: 1e-09 at 1" in section  # a logarithmic axis has no place for zero
    assert "gru: 0 at 2" not in section
    assert "lstm recurrent 2: 0.5 at 2" in section
    assert section.count('title="75.0 %"') == 2
    assert "lstm: 1 at 2" in text  # after clipping


def test_without_recurrent_networks_the_section_is_absent() -> None:
    full = findings()
    bare = replace(full, curves={}, diagnostics={name: {} for name in full.diagnostics})
    assert 'id="recurrence"' not in page.render(bare)


def test_dynamic_evaluation_has_a_column_if_a_model_has_it() -> None:
    changed = findings()
    assert "<th>dynamic perplexity</th>" not in page.render(changed)
    changed.results.loc[1, "dynamic_perplexity"] = 12.34
    text = page.render(changed)
    assert "<th>dynamic perplexity</th>" in text
    assert text.count(">12.34</td>") == 1


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page is not tested in a browser")
def test_a_browser_sorts_and_filters_the_page_without_an_error_or_a_request(tmp_path: Path) -> None:
    """An added script clicks and writes its results into the page; Chromium must not log anything."""
    probe = """<script>
      const shown = () => [...document.querySelectorAll("#board tbody tr:not([hidden])")];
      const names = () => shown().map((row) => row.cells[0].innerText);
      const before = names(), head = document.querySelectorAll("#board th")[3];
      head.click(); const down = names(); head.click(); const up = names();
      document.getElementById("theme").click();
      const wide = document.documentElement.scrollWidth > innerWidth;
      const loads = performance.getEntriesByType("resource").length;
      document.body.innerHTML = "<p id=found>" + JSON.stringify([before, down, up, wide, loads,
        document.documentElement.dataset.theme]) + "</p>";
    </script>"""
    file = tmp_path / "index.html"
    file.write_text(page.render(findings(HOSTILE)).replace("</body>", probe + "</body>"), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=3000",
    ]
    command = [str(CHROMIUM), *flags, "--enable-logging=stderr", "--window-size=420,900", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<p id="found">(.*?)</p>', done.stdout)
    assert found is not None, done.stdout[-2000:]
    assert found[1] == ('[["oracle","lstm","gru"],["gru","lstm","oracle"],["oracle","lstm","gru"],false,0,"dark"]')
    assert "CONSOLE" not in done.stderr, done.stderr
    assert "owned" not in re.findall(r"<title>(.*?)</title>", done.stdout)[0]
