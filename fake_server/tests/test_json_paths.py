"""JSONPaths of faults and scripts: RFC 9535 to the letter, and never an endless search."""

from __future__ import annotations

from typing import Any

import pytest
from jsonpath import JSONPathError

from fake_server.faults.jsonpath import compile_path
from fake_server.faults.places import find_nodes

DOCUMENT = {"a": [1, "x\ny", "x\ry", "xzy"], "b": "text", "c": ["a-", "&&", "ab", "cab", "[", "1~~"], "d": "a.b"}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.b[1:3]", []),  # a string is no array
        ("$.b[0]", []),
        ("$.a[1:3]", ["x\ny", "x\ry"]),
        ("$.a[::-2]", ["xzy", "x\ny"]),
        ("$.a[?match(@, 'x.y')]", ["xzy"]),  # a dot is neither of the line endings
        ("$.c[?match(@, '[a-c]+')]", ["ab", "cab"]),
        ("$.c[?search(@, '^ab')]", ["ab"]),
        ("$.c[?search(@, '[-z]')]", ["a-"]),
        ("$.c[?search(@, '[&&q]')]", ["&&"]),  # no intersection of classes
        ("$.c[?search(@, '[~~q]')]", ["1~~"]),
        ("$.c[?search(@, '\\\\[')]", ["["]),
        ("$.c[?search(@, '\\\\d')]", []),  # no I-Regexp
        ("$.c[?match(@, '[a-z]{2,12}')]", ["ab", "cab"]),  # several digits
        ("$.c[?search(@, '\\\\{12}')]", []),
        ("$.c[?search(@, 'a(?=b)')]", []),
        ("$.c[?search(@, '(')]", []),
        ("$[?match('a.b', $.d)]", [DOCUMENT["a"], "text", DOCUMENT["c"], "a.b"]),
        ("$[?@ == 'text']", ["text"]),
        ("$['\\u0062']", ["text"]),
    ],
)
def test_what_a_path_finds(path: str, values: list[Any]) -> None:
    assert [node.value for node in find_nodes(path, DOCUMENT)] == values


@pytest.mark.parametrize(
    "path", ["", "a", " $", "$ ", "$.", "$[01]", "^", "$.a | $.b", "$.a.~b", "$[?@.a in [1]]", "$[" * 500]
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(JSONPathError) as raised:
        compile_path(path)
    assert raised.value.message


@pytest.mark.parametrize("pattern", ["(a|aa|a?a)*(b|c)(a|aa)*$", "(a*)*b", "(a|a)*b"])
def test_a_pattern_that_backtracks_is_matched_in_linear_time(pattern: str) -> None:
    assert find_nodes(f"$[?search(@, '{pattern}')]", ["a" * 100_000, "ab"])[0].value == "ab"
