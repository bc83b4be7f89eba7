"""Operators on the pieces of a streamed text; as many pieces come back as went in."""

from __future__ import annotations

import random
from collections.abc import Callable

Edit = Callable[[list[str], random.Random], list[str]]


def lose_piece(texts: list[str], dice: random.Random) -> list[str]:
    texts[dice.randrange(len(texts))] = ""
    return texts


def repeat_piece(texts: list[str], dice: random.Random) -> list[str]:
    texts[dice.randrange(len(texts))] *= 2
    return texts


def swap_pieces(texts: list[str], dice: random.Random) -> list[str]:
    if len(texts) > 1:
        place = dice.randrange(len(texts) - 1)
        texts[place], texts[place + 1] = texts[place + 1], texts[place]
    return texts


def lose_end(texts: list[str], dice: random.Random) -> list[str]:
    keep = dice.randrange(len(texts))
    return [*texts[:keep], *("" for _ in texts[keep:])]


def strip_pieces(texts: list[str], dice: random.Random) -> list[str]:
    return [text.strip() for text in texts]


def wrong_encoding(texts: list[str], dice: random.Random) -> list[str]:
    return [text.encode("utf-8", "replace").decode("latin-1") for text in texts]


def escape_twice(texts: list[str], dice: random.Random) -> list[str]:
    return [text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in texts]


def escape_markup(texts: list[str], dice: random.Random) -> list[str]:
    return [text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") for text in texts]


def _character(change: Callable[[str], str]) -> Edit:
    """One character of the whole text becomes what `change` makes of it."""

    def edit(texts: list[str], dice: random.Random) -> list[str]:
        piece = dice.choice([place for place, text in enumerate(texts) if text])
        at = dice.randrange(len(texts[piece]))
        text = texts[piece]
        texts[piece] = text[:at] + change(text[at]) + text[at + 1 :]
        return texts

    return edit


TEXT_OPERATORS: dict[str, Edit] = {
    **{
        edit.__name__.replace("_", "-"): edit
        for edit in (
            lose_piece,
            repeat_piece,
            swap_pieces,
            lose_end,
            strip_pieces,
            wrong_encoding,
            escape_twice,
            escape_markup,
        )
    },
    "lose-character": _character(lambda character: ""),
    "double-character": _character(lambda character: character * 2),
    "other-character": _character(lambda character: "x" if character != "x" else "y"),
    "other-case": _character(str.swapcase),
    "replacement-character": _character(lambda character: "\N{REPLACEMENT CHARACTER}"),
}
