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


BROKEN = [
    ("{{ nothing }}", "the template '{{ nothing }}' cannot be rendered: 'nothing' is undefined"),
    ("{{ results.x.y }}", "cannot be rendered"),
    ("{{ ''.__class__.__mro__ }}", "is unsafe"),
    ("{{ range(999999999) | list }}", "Range too big"),
    ("{{ lipsum() }}", "'lipsum' is undefined"),
]
MUCH = "makes a value of more than 1,048,576 members"
STEPS = "takes more than 100,000 steps"
WIDTH = "a width of more than four digits"
BIG = "{% set s = 'x' * 1000000 %}"
"""A text that is as large as one may be."""
DEEP = "{% set n = namespace(a=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% endfor %}"
PAIRS = DEEP.replace("[n.a, n.a]", "(n.a, n.a)")
TOO_MUCH = [
    ("{% for a in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "gives more than 1,048,576 characters"),
    ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", STEPS),
    ("{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}", STEPS),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "takes too much memory"),
    ("{{ ('x' * 999999999) | length }}", MUCH),
    ("{{ (999999999 * [0]) | length }}", MUCH),
    ("{% set x = namespace(a='xxxx') %}{% for i in range(60) %}{% set x.a = x.a ~ x.a %}{% endfor %}", MUCH),
    ("{{ 'x'.center(999999999) | length }}", "asks for more than 1,048,576 of something"),
    ("{{ 'x' | center(width=999999999) | length }}", "asks for more than 1,048,576 of something"),
    ("{{ '%0999999999d' % 1 }}", WIDTH),
    ("{{ '%0999999999d' | format(1) }}", WIDTH),
    ("{{ '{:0999999999}'.format(1) }}", WIDTH),
    ("{{ 9 ** (9 ** 9) }}", "makes too large a number"),
    # what is made larger than anything that is given
    ("{{ '{:{w}}'.format(1, w=999999999) }}", WIDTH),
    ("{{ ('{:9999}' * 100000).format(*range(100000)) }}", MUCH),
    ("{{ ('%9999d' * 1000) % ((1,) * 1000) }}", MUCH),
    (BIG + "{{ ('%s' * 1000) % ((s,) * 1000) }}", STEPS),
    (BIG + "{{ ('%(a)s' * 1000) % {'a': s} }}", MUCH),
    (BIG + "{{ ('{0}' * 1000).format(s) }}", MUCH),
    (BIG + "{{ ('{a}' * 1000).format_map({'a': s}) }}", MUCH),
    (BIG + "{{ '{:>{w}}'.format(s, w=9) ~ '{0}{0}'.format(s) }}", MUCH),
    (BIG + "{{ s | replace('x', s) }}", MUCH),
    (BIG + "{{ s.replace('x', s) }}", MUCH),
    (BIG + "{{ s.join(range(9000) | map('string')) }}", MUCH),
    (BIG + "{{ range(100000) | join(s) }}", MUCH),
    (BIG + "{{ range(100000) | join(d=s) }}", MUCH),
    (BIG + "{{ ([s] * 100000) | join }}", STEPS),
    (BIG + "{{ [s] * 100000 }}", STEPS),
    (BIG + "{{ ([s] * 100000) ~ '' }}", STEPS),
    (BIG + "{{ ([s] * 100000) | upper }}", STEPS),
    (BIG + "{{ ([s] * 100000) | string | length }}", STEPS),
    (BIG + "{{ ([s] * 100000) | tojson | length }}", STEPS),
    (BIG + "{{ ([s] * 100000) | sort | length }}", STEPS),
    (BIG + "{{ {'a': [s] * 100000} | pprint | length }}", STEPS),
    ("{{ ([range(100000) | list] * 1000) | sum(start=[]) | length }}", STEPS),
    (BIG + "{{ (('x\n' * 500000) | indent(s)) | length }}", MUCH),
    ("{{ (('x\n' * 500000) | indent(1000000, true)) | length }}", MUCH),
    (BIG + "{{ s | wordwrap(1, wrapstring=s) | length }}", MUCH),
    (BIG + "{{ s | wordwrap(1) | length }}", STEPS),
    ("{{ ('\t' * 1000000).expandtabs(1000000) | length }}", MUCH),
    (BIG + "{{ s.translate({120: s}) | length }}", MUCH),
    ("{{ (1).to_bytes(999999999, 'big') | length }}", "asks for more than 1,048,576 of something"),
    ("{{ 'x'.encode().zfill(999999999) | length }}", "asks for more than 1,048,576 of something"),
    ("{{ range(10) | batch(999999999, 0) | list | length }}", "asks for more than 1,048,576 of something"),
    ("{{ range(10) | slice(999999999) | list | length }}", "asks for more than 1,048,576 of something"),
    # many that are as large as one may be
    (BIG + "{% for i in range(90000) %}{% if 'y' in s %}{% endif %}{% endfor %}", STEPS),
    (BIG + "{% for i in range(90000) %}{% if s == s ~ 'y' %}{% endif %}{% endfor %}", STEPS),
    (BIG + "{% for i in range(90000) %}{% if s is in [s] %}{% endif %}{% endfor %}", STEPS),
    (BIG + "{% for i in range(90000) %}{% set t = s[1:] %}{% endfor %}", STEPS),
    (BIG + "{% for i in range(90000) %}{% set t = s.upper() %}{% endfor %}", STEPS),
    (BIG + "{% for i in range(90000) %}{% set t = s | upper %}{% endfor %}", STEPS),
    (BIG + "{% set n = namespace(a=[]) %}{% for i in range(90000) %}{% set n.a = n.a + [s ~ i] %}{% endfor %}", STEPS),
    (BIG + "{% macro f() %}{% for i in range(90000) %}{{ s }}{% endfor %}{% endmacro %}{{ f() | length }}", STEPS),
    ("{% macro f() %}{% for i in range(90000) %}" + "y" * 9000 + "{% endfor %}{% endmacro %}{{ f() | length }}", STEPS),
    (BIG + "{% set t %}{% for i in range(90000) %}{{ s }}{% endfor %}{% endset %}{{ t | length }}", STEPS),
    (
        "{% for i in range(90000) recursive %}{% if loop.depth < 3 %}{{ loop(range(90000)) }}{% endif %}{% endfor %}",
        STEPS,
    ),
    ("{{ range(90000)" + " | map('string')" * 50 + " | list | length }}", STEPS),
    ("{{ range(90000)" + " | select" * 50 + " | list | length }}", STEPS),
    (DEEP + "{{ n.a }}", STEPS),
    (DEEP + "{{ n.a == [n.a] }}", STEPS),
    (DEEP + "{{ n.a | tojson }}", STEPS),
    (DEEP + "{{ [n.a, [1]] | sort }}", STEPS),
    (DEEP + "{{ '%s' % (n.a,) }}", STEPS),
    (DEEP + "{{ '{}'.format(n.a) }}", STEPS),
    (PAIRS + "{{ {n.a: 1} }}", STEPS),
    (PAIRS + "{{ {1: 1}[n.a] }}", STEPS),
    (PAIRS + "{{ {1: 1}.get(n.a) }}", STEPS),
    (PAIRS + "{{ n.a in {1: 1} }}", STEPS),
    (PAIRS + "{{ [n.a] | unique | list }}", STEPS),
]


@pytest.mark.parametrize(
    ("text", "message", "status"),
    [
        *((*row, 500) for row in BROKEN),
        *(pytest.param(*row, 400, marks=pytest.mark.security("templates")) for row in TOO_MUCH),
    ],
)
def test_a_template_that_fails_is_an_error_in_words(text: str, message: str, status: int) -> None:
    """A broken one is the server's error; what costs too much is refused as every such request is."""
    book = scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}], "s.yaml")
    error = answer(asking(), book, ScriptState())
    assert isinstance(error, ErrorReply)
    assert "the script 's' (s.yaml[0])" in error.message
    assert message in error.message
    assert (error.status, error.script) == (status, "s")


def test_bounded_templates_do_their_work() -> None:
    text = "{% for a in results.values() %}{{ loop.index }}/{{ loop.length }}{{ loop.last }}{% endfor %}"
    text += " {{ '%03d' % turn }} {{ '%s-%s' | format(turn, last) }} {{ 'a' ~ turn ~ 'b' }} {{ 3 * 'ab' }}"
    text += " {{ messages | map(attribute='role') | join(',') }} {{ '{:>4}'.format(turn) }} {{ 2 ** 10 }}"
    book = scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}])
    told = "1/1True 002 2-weather in Oslo a2b ababab system,user,user,assistant,tool    2 1024"
    assert said(book, ScriptState(), asking()) == told


@pytest.mark.security("templates")
@pytest.mark.parametrize("text", ["{{ a }}" * 12_000, "{% if a %}{% endif %}" * 3000, "{{ [" + "1," * 30_000 + "] }}"])
def test_a_template_of_endless_code_is_no_script(text: str) -> None:
    with pytest.raises(scripts.ScriptError, match="it has more than 50,000 characters of code"):
        scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}], "s.yaml")


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    "name", ["authorization", "api-key", "x-api-key", "cookie", "x-auth-key", "x-signature", "x-session-token"]
)
def test_templates_see_no_header_made_for_credentials(name: str) -> None:
    text = "{{ headers['x-mine'] }}{{ headers.get('NAME', '') }}{{ headers }}".replace("NAME", name)
    book = scripts.parse([{"name": "s", "reply": {"template": True, "text": text}}])
    told = answer(asking(None, **{name: "a-s3cret-value", "x-mine": "yes"}), book, ScriptState())
    assert isinstance(told, Reply)
    content = told.choices[0].content or ""
    assert content.startswith("yes")
    assert "a-s3cret-value" not in content
