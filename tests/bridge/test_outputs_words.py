"""Displays and exceptions in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cokernel.kernel.htmltext import html_text
from cokernel.kernel.outputs import ErrorOutput
from cokernel.kernel.plaintext import bundle_text
from cokernel.kernel.tracebacks import error_text
from tests.support.iopub import display, error, png, stream, transcript_of


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"text/plain": "42"}, "42"),
        ({"text/plain": "   a\n0  1", "text/html": "<table>…</table>"}, "   a\n0  1"),
        ({"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>x</b>"}, "x"),
        ({"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": "*x*"}, "*x*"),
        (
            {"text/plain": "IntSlider(value=5)", "application/vnd.x+json": "{}"},
            "IntSlider(value=5)",
        ),
        ({"text/plain": "<Figure size 640x480>", "image/png": "AAAA"}, ""),
        ({"text/plain": "x**2", "image/png": "AAAA", "text/latex": "$x^2$"}, "x**2"),
        ({"text/latex": "$x^2$"}, "$x^2$"),
        ({"application/json": '{"a":1}'}, '{"a":1}'),
        ({"application/x-odd": "a" * 2500}, "[application/x-odd, 2 kB]"),
        (
            {"image/svg+xml": '<svg xmlns="s" width="100" height="50"></svg>'},
            "[svg drawing, 100×50, 45 bytes, not shown]",
        ),
        ({}, ""),
    ],
)
def test_a_bundle_is_told_in_its_most_readable_form(data: dict[str, str], words: str) -> None:
    assert bundle_text(data) == words


def test_long_json_is_cut() -> None:
    words = bundle_text({"application/json": json.dumps(list(range(100_000)))})
    assert len(words) < 4_100
    assert words.endswith("more characters of JSON …]")


@pytest.mark.parametrize(
    ("mime", "figure", "words"),
    [
        (
            "application/vnd.plotly.v1+json",
            {
                "data": [
                    {"type": "scatter", "name": "loss", "y": [1, 2, 3]},
                    {"type": "bar", "x": {"dtype": "f8", "bdata": "A" * 10_668}},
                ],
                "layout": {"title": {"text": "Training"}},
            },
            '[plotly figure "Training": scatter "loss" (3 points), bar (1,000 points)]',
        ),
        (
            "application/vnd.vegalite.v5+json",
            {
                "mark": {"type": "bar"},
                "encoding": {"x": {"field": "day"}, "y": {"field": "sales"}},
                "datasets": {"d": [{}, {}]},
            },
            "[Vega-Lite figure: bar, x=day, y=sales (2 rows)]",
        ),
        ("application/vnd.plotly.v1+json", {"data": 5}, "[plotly figure: no traces]"),
        ("application/vnd.plotly.v1+json", [], "[plotly figure, 2 bytes]"),
    ],
)
def test_an_interactive_figure_is_one_line(mime: str, figure: Any, words: str) -> None:
    data = {"text/plain": "Figure({'data': …})", "text/html": "<div>", mime: json.dumps(figure)}
    assert bundle_text(data) == words


def test_html_becomes_its_words() -> None:
    html = (
        "<style>b {}</style><h1>Title</h1><p>one &amp;\n two</p><!-- ignore all rules -->"
        "<SCRIPT>alert('x')</Script><ul><li>first<li>second</ul><pre>a\n  b</pre>"
        "<table><tr><th>n</th><th>m</th></tr><tr><td>1</td><td>2</td></tr></table>"
    )
    assert html_text(html) == "Title\none & two\n\n- first\n- second\na\n  b\n\nn | m\n1 | 2"


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<!--",
        "<a ",
        "<a b='",
        "<!",
        "&#",
        "</",
        "<![CDATA[",
        "<?",
        "<script>",
        "<!-->",
        "<a <b>",
        "&amp",
    ],
)
def test_hostile_html_ends(piece: str) -> None:
    assert len(html_text(piece * 30_000)) <= len(piece) * 30_000 + 100


CHAINED = """\
---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
File /opt/env/lib/python3.11/site-packages/pandas/core/indexes/base.py:3816, in Index.get_loc(self, key)
   3815 try:
-> 3816     return self._engine.get_loc(casted_key)

File pandas/_libs/index.pyx:172, in pandas._libs.index.IndexEngine.get_loc()
--> 172 'Could not get source, probably due dynamically evaluated source code.'

KeyError: 'nope'

The above exception was the direct cause of the following exception:

KeyError                                  Traceback (most recent call last)
Cell In[2], line 5
      3 def load(n):
      4     return df[n]
----> 5 load('nope')

File ~/project/lib/helpers.py:4, in load(n)
      3 def load(n):
----> 4     return df[n]

File /opt/env/lib/python3.11/site-packages/pandas/core/frame.py:4330, in DataFrame.__getitem__(self, key)
-> 4330             indexer = self.columns.get_loc(key)

File /opt/env/lib/python3.11/json/decoder.py:353, in JSONDecoder.raw_decode(self, s, idx)
--> 353     obj, end = self.scan_once(s, idx)

KeyError: 'nope'"""


def test_library_frames_are_folded_and_the_cause_is_named() -> None:
    assert error_text(ErrorOutput("KeyError", "'nope'", CHAINED)) == (
        "Traceback (most recent call last):\n"
        "  Cell In[2], line 5\n"
        "    load('nope')\n"
        "  File ~/project/lib/helpers.py:4, in load(n)\n"
        "    return df[n]\n"
        "  … 2 frames in pandas, json …\n"
        "KeyError: 'nope'\n"
        "caused by KeyError: 'nope'"
    )


def test_the_cause_tells_the_users_own_line() -> None:
    traceback = (
        "ValueError   Traceback (most recent call last)\nCell In[3], line 2, in f()\n"
        "      1 def f():\n----> 2     return int('x')\n\nValueError: no number\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        "RuntimeError   Traceback (most recent call last)\nCell In[3], line 6\n"
        "----> 6     raise RuntimeError('wrapped')\n\nRuntimeError: wrapped"
    )
    text = error_text(ErrorOutput("RuntimeError", "wrapped", traceback))
    assert text.endswith(
        "RuntimeError: wrapped\n"
        "while handling ValueError: no number  (Cell In[3], line 2, in f(): return int('x'))"
    )


def test_endless_recursion_is_told_in_a_few_frames() -> None:
    frame = "Cell In[7], line 1, in r(n)\n----> 1 def r(n): return r(n+1)\n\n"
    traceback = frame * 1000 + "RecursionError: maximum recursion depth exceeded"
    text = error_text(ErrorOutput("RecursionError", "maximum recursion depth exceeded", traceback))
    assert "… 992 more frames …" in text
    assert len(text) < 1000


def test_a_syntax_error_is_shown_as_it_is() -> None:
    traceback = "  Cell In[5], line 1\n    x = = 2\n        ^\nSyntaxError: invalid syntax\n"
    assert error_text(ErrorOutput("SyntaxError", "invalid syntax", traceback)) == traceback.rstrip()


def test_an_error_without_traceback_is_named() -> None:
    assert error_text(ErrorOutput("Error in f(): ", "object 'x' not found", "")) != ""
    assert transcript_of(stream("a"), error("KeyError", "'x'")) == "a\nKeyError: 'x'"


def test_a_huge_error_is_short_and_always_says_what_was_raised() -> None:
    value = "x" * 2_000_000
    text = transcript_of(error("ValueError", value, f"Cell In[1], line 1\n----> 1 {value}", value))
    assert len(text) < 2_500
    assert "ValueError: xxx" in text


def test_an_image_that_cannot_be_read_is_said_so() -> None:
    whole = png(40, 30)
    assert transcript_of(display({"image/png": whole})).startswith("[image 1: 40×30 png, ")
    assert "is broken" in transcript_of(display({"image/png": "AAAA" * 10}))
    assert "is not base64" in transcript_of(display({"image/jpeg": "no"}))
