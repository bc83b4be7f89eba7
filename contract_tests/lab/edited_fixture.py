"""A fixture made of another by replacing bytes of its body: how an example that breaks a rule is made.

python -m contract_tests.lab.edited_fixture fixtures/conforming/poem-dict.yaml OLD NEW \\
    --to fixtures/broken/RULE.yaml --title "what is wrong"
"""

from __future__ import annotations

from pathlib import Path

import click

from contract_tests.rules import judge
from contract_tests.shrinking.editing import decoded_body, edit_body
from fake_server.wire.fixture import Fixture, load, save


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("old")
@click.argument("new")
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--title", default="", help="What is wrong, in a few words.")
def main(source: Path, old: str, new: str, target: Path, title: str) -> None:
    """Replace OLD, which the body of SOURCE holds once, by NEW; name the rules that the result breaks."""
    original = load(source).exchange
    body = decoded_body(original)
    if (count := body.count(old.encode())) != 1:
        raise click.ClickException(f"the body of {source} holds {old!r} {count} times, not once")
    start = body.index(old.encode())
    edited = edit_body(original, [(start, start + len(old.encode()), new.encode())]).but(label=target.stem)
    broken = sorted(judge(edited).ids(), key=lambda rule: (rule != target.stem, rule))
    save(Fixture(edited, title, tuple(broken)), target)
    click.echo(f"{target}: breaks {', '.join(broken) or 'no rule'}")


if __name__ == "__main__":
    main()
