"""Templates of scripts: they see the request, have bounds, and fail in words."""

from __future__ import annotations

import json

import pytest

from fake_server.api.reply import ErrorReply, Reply
from fake_server.scripts import book as scripts
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer
from fake_server.tests.test_script_language import asking, said


def test_templates_see_the_request() -> None:
    text = "{{ last | upper }} {{ request.model }} {{ results.get_weather.temp + 1 }}"
    text += "{% for m in messages %}.{% endfor %}"
    reply = {"template": True, "text": text, "tool_calls": [{"name": "f", "arguments": {"q": "{{ last }}"}}]}
    book = scripts.parse([{"name": "s", "reply": reply}])
    told = answer(asking(), book, ScriptState())
    assert isinstance(told, Reply)
    assert told.choices[0].content == "WEATHER IN OSLO gpt-4o 13....."
    assert json.loads(told.choices[0].tool_calls[0].arguments) == {"q": "weather in Oslo"}
    plain = scripts.parse([{"name": "s", "reply": {"text": "{{ last }}"}}])
    assert said(plain, ScriptState(), asking()) == "{{ last }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nothing }}", "the template '{{ nothing }}' cannot be rendered: 'nothing' is undefined"),
        ("{{ results.x.y }}", "cannot be rendered"),
        ("{% for a in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "gives more than 1,048,576 characters"),
        ("{{ ''.__class__.__mro__ }}", "is unsafe"),
        ("{{ range(999999999) | list }}", "Range too big"),
        ("{{ lipsum() }}", "'lipsum' is undefined"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "100,000 steps"),
        (
            "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}",
            "100,000 steps",
        ),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "takes too much memory"),
        ("{{ ('x' * 999999999) | length }}", "makes a value of more than 1,048,576 members"),
        ("{{ (999999999 * [0]) | length }}", "makes a value of more than 1,048,576 members"),
        (
            "{% set x = namespace(a='xxxx') %}{% for i in range(60) %}{% set x.a = x.a ~ x.a %}{% endfor %}",
            "makes a value of more than 1,048,576 members",
        ),
        ("{{ 'x'.center(999999999) | length }}", "asks for more than 1,048,576 of something"),
        ("{{ 'x' | center(width=999999999) | length }}", "asks for more than 1,048,576 of something"),
        ("{{ '%0999999999d' % 1 }}", "a width of more than four digits"),
        ("{{ '%0999999999d' | format(1) }}", "a width of more than four digits"),
        ("{{ '{:0999999999}'.format(1) }}", "formats with a width of more than four digits"),
        ("{{ 9 ** (9 ** 9) }}", "makes too large a number"),
    ],
)
def test_a_template_that_fails_is_a_server_error_in_words(text: str, message: str) -> None:
    book = scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}], "s.yaml")
    error = answer(asking(), book, ScriptState())
    assert isinstance(error, ErrorReply)
    assert error.status == 500
    assert error.message.startswith("the script 's' (s.yaml[0])")
    assert message in error.message


def test_bounded_templates_do_their_work() -> None:
    text = "{% for a in results.values() %}{{ loop.index }}/{{ loop.length }}{{ loop.last }}{% endfor %}"
    text += " {{ '%03d' % turn }} {{ '%s-%s' | format(turn, last) }} {{ 'a' ~ turn ~ 'b' }} {{ 3 * 'ab' }}"
    text += " {{ messages | map(attribute='role') | join(',') }} {{ '{:>4}'.format(turn) }} {{ 2 ** 10 }}"
    book = scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}])
    told = "1/1True 002 2-weather in Oslo a2b ababab system,user,user,assistant,tool    2 1024"
    assert said(book, ScriptState(), asking()) == told
