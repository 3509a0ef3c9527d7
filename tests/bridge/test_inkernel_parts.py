"""The pure parts of what is injected: bounds of texts, paths, fingerprints, and what a cell's text tells."""

from __future__ import annotations

import ast
import json
import sys
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cokernel.kernel.expressions import NotAPathError, parse_path
from cokernel.kernel.injected import PARTS
from cokernel.kernel.injected.briefs import brief
from cokernel.kernel.injected.cards import MAX_TEXT, card
from cokernel.kernel.injected.fingerprints import fingerprint
from cokernel.kernel.injected.names import matcher
from cokernel.kernel.injected.paths import NotThereError, look_up, steps_of, written
from cokernel.kernel.injected.texts import clean, preview, signature
from cokernel.kernel.injected.uses import uses_of

FOLDER = resources.files("cokernel.kernel.injected")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=200)
    | st.binary(max_size=200)
    | st.dates()
    | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=30), inner, max_size=20)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("part", ["bootstrap", *PARTS])
def test_injected_source_runs_on_python_3_8_with_the_standard_library(part: str):
    tree = ast.parse((FOLDER / f"{part}.py").read_text("utf-8"), feature_version=(3, 8))
    imported = {name.partition(".")[0] for node in ast.walk(tree) for name in _imports(node)}
    assert imported <= set(sys.stdlib_module_names)


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [str(node.module)]
    return []


def test_every_injected_part_comes_after_those_it_imports():
    on_disk = {f.name.removesuffix(".py") for f in FOLDER.iterdir() if f.name.endswith(".py")}
    assert on_disk == {"__init__", "bootstrap", *PARTS}
    for i, part in enumerate(PARTS):
        tree = ast.parse((FOLDER / f"{part}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                needed = [node.module] if node.module else [a.name for a in node.names]
                assert set(needed) <= set(PARTS[:i]), part


@given(VALUES, st.integers(min_value=10, max_value=300))
def test_a_preview_keeps_to_its_limit(value: object, limit: int):
    assert len(preview(value, limit)) <= limit


@given(VALUES)
def test_a_brief_and_a_card_of_any_plain_value_are_bounded(value: object):
    about = brief(value)
    assert len(about.preview) <= 80
    assert len(about.type) <= 130
    assert len(card("x", value)["text"]) <= MAX_TEXT


@given(st.text(max_size=300))
def test_any_text_is_a_path_or_not_and_nothing_else(text: str):
    try:
        steps = parse_path(text)
    except NotAPathError:
        return
    assert parse_path(written(steps)) == steps
    assert steps_of(json.loads(json.dumps(steps))) == steps


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.isidentifier() and not _keyword(name)
)
KEYS = st.text(max_size=8) | st.integers(-1000, 1000) | st.tuples(st.integers(), st.integers())


def _keyword(name: str) -> bool:
    import keyword

    return keyword.iskeyword(name)


@given(
    NAMES,
    st.lists(st.tuples(st.just("attribute"), NAMES) | st.tuples(st.just("item"), KEYS), max_size=3),
)
def test_paths_are_read_as_they_are_written(name: str, rest: list[tuple[str, object]]):
    steps = [("name", name), *rest]
    text = written(steps)
    assert text.endswith("…") or parse_path(text) == steps


@given(
    st.dictionaries(st.text(max_size=5), st.lists(st.integers(), max_size=5), max_size=5), st.data()
)
def test_a_path_finds_what_python_would_find(mapping: dict[str, list[int]], data: st.DataObject):
    key = data.draw(st.text(max_size=5) | st.sampled_from(sorted(mapping) or [""]))
    index = data.draw(st.integers(-6, 6))
    try:
        expected: object = mapping[key][index]
    except LookupError:
        expected = None
    try:
        found = look_up([("name", "m"), ("item", key), ("item", index)], {"m": mapping}, ["m"])
    except NotThereError:
        found = None
    assert found == expected


def test_a_name_that_does_not_exist_comes_with_those_that_are_like_it():
    with pytest.raises(NotThereError, match="Did you mean frame"):
        look_up(parse_path("frmae"), {}, ["frame", "other"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1, 2], [1, 3]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ({"a": 1}, {"b": 1}),
        ({1, 2}, {1, 3}),
        (1.0, -1.0),
        ((1, [2]), (1, [3])),
    ],
)
def test_fingerprints_of_different_values_differ(before: object, after: object):
    assert fingerprint(before) != fingerprint(after)


@given(VALUES)
def test_a_fingerprint_does_not_change_by_itself(value: object):
    assert fingerprint(value) == fingerprint(value)


def test_a_value_too_large_to_visit_has_an_inexact_fingerprint():
    assert fingerprint([0] * 100_000)[1] is False
    assert fingerprint([0] * 100)[1] is True


@pytest.mark.parametrize(
    ("source", "written_names"),
    [
        ("x[0] = 1", {"x"}),
        ("x.loc[5, 'a'] = 1", {"x"}),
        ("x += 1", {"x"}),
        ("del x['a']", {"x"}),
        ("x.sort()", {"x"}),
        ("x.drop('a', inplace=True)", {"x"}),
        ("np.add(a, b, out=x)", {"np", "x"}),
        ("random.shuffle(x)", {"random", "x"}),
        ("x.mean() + len(x)", set()),
        ("x.drop('a')", set()),
        ("y = x", set()),
    ],
)
def test_a_cells_text_tells_what_it_may_change(source: str, written_names: set[str]):
    uses = uses_of(source)
    assert uses is not None
    assert uses.written == written_names


def test_names_handed_to_unknown_functions_may_be_changed():
    uses = uses_of("clean(x, [y])\nmodel.fit(z)")
    assert uses is not None
    assert uses.passed == {("x", "clean"), ("y", "clean"), ("z", "model")}


def test_a_magic_tells_nothing():
    assert uses_of("%run script.py") is None


def test_a_signature_is_written_as_python_writes_it():
    def function(a, /, b, c=1, *rest, d, e="x", **more):
        """Its body does not matter."""

    assert signature(function) == "(a, /, b, c=1, *rest, d, e='x', **more)"


@given(st.text(alphabet=st.characters(), max_size=50))
def test_cleaned_text_can_always_be_sent(text: str):
    assert clean({"a": [text + "\ud800"]})["a"][0].encode("utf-8")


def test_patterns_are_shell_style_or_part_of_a_name():
    names = ["frame", "Frame2", "other"]
    assert list(filter(matcher("FRAME"), names)) == ["frame", "Frame2"]
    assert list(filter(matcher("fram?"), names)) == ["frame"]
    assert list(filter(matcher(""), names)) == names
