"""YAML within bounds: aliases count as what they expand to, and nesting never overflows the stack."""

from __future__ import annotations

import time

import pytest
import yaml

from fake_server.wire.bounded_yaml import BoundedLoader, Limits, TooMuch

hostile = pytest.mark.security("hostile files")


class Loader(BoundedLoader):
    limits = Limits(values=1000, characters=10_000, depth=20)


HOSTILE = pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: *a\n" for n in range(200)), "more than 1,000 values"),
        (
            "l0: &l0 [x, x]\n" + "".join(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]\n" for n in range(1, 60)),
            "(more than 1,000 values|nested more than 20)",
        ),
        ("- &a " + "x" * 4000 + "\n- *a\n- *a\n", "more than 10,000 characters"),
        ("a: &a {k: " + "x" * 4000 + "}\nb: {<<: [*a, *a]}\n", "more than 10,000 characters"),
        (
            "m0: &m0 {a: 1}\n"
            + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 40)),
            "(more than 1,000 values|nested more than 20)",
        ),
        ("&a [*a]", "nested more than 20"),
        ("? &k [*k]\n: 1", "nested more than 20"),
        ("[" * 100_000, "nested more than 20"),
        ("- " * 100_000, "nested more than 20"),
        ("? " * 100_000, "nested more than 20"),
        ("{a: " * 100_000, "nested more than 20"),
        ("c0: &c0 [x]\n" + "".join(f"c{n}: &c{n} [*c{n - 1}]\n" for n in range(1, 100)), "nested more than 20"),
        ("[" + "a," * 2000 + "]", "more than 1,000 values"),
        ("x" * 20_000, "more than 10,000 characters"),
        ("1" + ":01" * 3000, "a number of 9,001 digits"),
        ("0b" + "1" * 5000, "a number of 5,002 digits"),
        ("- &a 1\n- &a 2\n- *a", "the anchor 'a' stands at line 1 too"),
        ("- *nothing", "undefined alias 'nothing'"),
    ],
    ids=[
        *("one list often", "lists of lists", "one text often", "merges", "merges of merges", "itself", "its own key"),
        *("flow lists", "block lists", "keys", "mappings", "a chain", "wide", "long", "sexagesimal", "binary"),
        *("anchor twice", "no anchor"),
    ],
)


@hostile
@HOSTILE
def test_yaml_counts_what_it_expands_to(text: str, what: str) -> None:
    start = time.process_time()
    with pytest.raises(yaml.MarkedYAMLError, match=what):
        yaml.load(text, Loader)
    assert time.process_time() - start < 30


@hostile
@HOSTILE
@pytest.mark.parametrize("before", ["", "a: 1\n---\n"], ids=["alone", "after another"])
def test_each_of_several_documents_is_bounded(before: str, text: str, what: str) -> None:
    """The C parser's own composer, which `load_all` uses, overflows the stack and counts nothing."""
    with pytest.raises(yaml.MarkedYAMLError, match=what.replace(" 1 too", "")):
        list(yaml.load_all(before + text, Loader))


@hostile
@pytest.mark.parametrize(
    "text",
    ["a: &a [x,x,x,x,x,x,x,x,x,x]\nb: [*a, *a, *a, *a, *a, *a, *a, *a]\n", "- x\n" * 20, "k: " + "x" * 2000 + "\n", ""],
    ids=["aliases", "values", "characters", "nothing"],
)
def test_documents_are_counted_together(text: str) -> None:
    assert len(list(yaml.load_all("---\n" + text, Loader))) == 1
    with pytest.raises(TooMuch, match="more than"):
        list(yaml.load_all(("---\n" + text) * 2000, Loader))


@hostile
def test_a_text_of_several_documents_is_no_single_one() -> None:
    with pytest.raises(yaml.MarkedYAMLError, match="another document"):
        yaml.load("a: 1\n---\nb: 2\n", Loader)
    assert list(yaml.load_all("a: 1\n---\nb: 2\n", Loader)) == [{"a": 1}, {"b": 2}]
    assert list(yaml.load_all("", Loader)) == []


@hostile
@pytest.mark.parametrize(
    "value",
    [
        *("!!int ''", "!!int '-'", "!!int 0x", "!!int 'one'", "!!int '1:x'", "0b_", "!!float ''", "!!float '.'"),
        *("!!bool perhaps", "!!timestamp x", "!!timestamp 2001-13-45", "2001-02-30"),
    ],
)
@pytest.mark.parametrize("around", ["a: {}", "a: [1, {}]", "? {}\n: 1"], ids=["a member", "an item", "a name"])
def test_a_text_that_is_no_value_of_its_tag_is_refused_at_its_line(value: str, around: str) -> None:
    with pytest.raises(yaml.constructor.ConstructorError, match="put quotes around it") as refused:
        yaml.load("first: 1\n" + around.replace("{}", value, 1), Loader)
    assert "line 2," in str(refused.value.problem_mark)


@hostile
def test_honest_aliases_and_merges_are_read() -> None:
    text = "a: &a {x: 1, y: [2]}\nb: *a\nc: {<<: *a, x: 3}\nd: 12:30\n"
    assert yaml.load(text, Loader) == yaml.safe_load(text)
    assert yaml.load("", Loader) is None
    assert issubclass(TooMuch, yaml.YAMLError)
