"""Write a tiny chat model with random weights, in the GGUF form that llama.cpp reads.

Called as `tiny_gguf.py OUT.gguf`. Two llama layers, 64 wide, over a vocabulary of bytes: half a megabyte of
gibberish that a real inference server loads, samples, counts and streams. The same file every time.
The form: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3, little-endian).
"""

from __future__ import annotations

import random
import struct
import sys
from array import array
from pathlib import Path

SEED = 15
DIM, FEED, HEADS, LAYERS, CONTEXT = 64, 128, 4, 2, 2048
ALIGNMENT = 32
UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
NORMAL, CONTROL = 1, 3
CALL = "<tool_call>Ċ"
LOUD = (CALL, '"', "}")
"""Said often, so that calls begin and end: the server holds a call that is required to its grammar."""
WHITE = str.maketrans("ĠĊ", " \n")
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = (("Ġ", "t"), ("h", "e"), ("r", "e"), ("Ġt", "re"), ("Ġtre", "e"))
TEMPLATE = """\
{%- if tools %}<|im_start|>system
<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools><|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or "" }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def main(out: Path) -> None:
    tokens = [*byte_symbols(), *(left + right for left, right in MERGES), CALL, *SPECIALS]
    end_of_text, end_of_turn = tokens.index(SPECIALS[0]), tokens.index(SPECIALS[2])
    types = [CONTROL if token in SPECIALS else NORMAL for token in tokens]
    fields = [
        text("general.architecture", "llama"),
        text("general.name", out.stem),
        *(
            number(f"llama.{name}", value)
            for name, value in (
                ("context_length", CONTEXT),
                ("embedding_length", DIM),
                ("block_count", LAYERS),
                ("feed_forward_length", FEED),
                ("attention.head_count", HEADS),
                ("attention.head_count_kv", HEADS),
                ("rope.dimension_count", DIM // HEADS),
                ("vocab_size", len(tokens)),
            )
        ),
        string("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", FLOAT32, 1e-5),
        text("tokenizer.ggml.model", "gpt2"),
        text("tokenizer.ggml.pre", "gpt-2"),
        many("tokenizer.ggml.tokens", STRING, [string(token) for token in tokens]),
        many("tokenizer.ggml.token_type", INT32, [struct.pack("<i", kind) for kind in types]),
        many("tokenizer.ggml.merges", STRING, [string(" ".join(pair)) for pair in MERGES]),
        number("tokenizer.ggml.bos_token_id", end_of_text),
        number("tokenizer.ggml.eos_token_id", end_of_turn),
        string("tokenizer.ggml.add_bos_token") + struct.pack("<I?", BOOL, False),
        text("tokenizer.chat_template", TEMPLATE),
    ]
    infos, data, place = [], [], 0
    for name, shape, values in weights([voice(token) for token in tokens]):
        sizes = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        infos.append(string(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", 0, place))
        body = values.tobytes()
        data.append(body + bytes(-len(body) % ALIGNMENT))
        place += len(data[-1])
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(fields)) + b"".join(fields + infos)
    out.write_bytes(head + bytes(-len(head) % ALIGNMENT) + b"".join(data))


def byte_symbols() -> list[str]:
    """One printable character for each byte, as GPT-2's vocabulary writes them."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


def voice(token: str) -> float:
    """How far the logits of a token spread: the farther, the more often it is the best."""
    if token in SPECIALS[:2] or not token.translate(WHITE).isascii():
        return 0.0
    return 1.0 if token in LOUD else 0.5


def weights(voices: list[float]) -> list[tuple[str, tuple[int, ...], array[float]]]:
    """(name, shape, values) of every tensor, where each token of the vocabulary has its voice."""
    dice, vocabulary = random.Random(SEED), len(voices)

    def matrix(rows: int, columns: int, scale: float = 0.08) -> array[float]:
        return array("f", [dice.gauss(0, scale) for _ in range(rows * columns)])

    unit = array("f", [1.0] * DIM)
    tensors: list[tuple[str, tuple[int, ...], array[float]]]
    tensors = [("token_embd.weight", (vocabulary, DIM), matrix(vocabulary, DIM, 0.5))]
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        tensors += [(f"{at}{name}.weight", (DIM,), unit) for name in ("attn_norm", "ffn_norm")]
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors.append((f"{at}{name}.weight", (DIM, DIM), matrix(DIM, DIM)))
        for name, rows, columns in (("gate", FEED, DIM), ("up", FEED, DIM), ("down", DIM, FEED)):
            tensors.append((f"{at}ffn_{name}.weight", (rows, columns), matrix(rows, columns)))
    output = array("f", [dice.gauss(0, 1) * voice for voice in voices for _ in range(DIM)])
    return [*tensors, ("output_norm.weight", (DIM,), unit), ("output.weight", (vocabulary, DIM), output)]


def string(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def text(name: str, value: str) -> bytes:
    return string(name) + struct.pack("<I", STRING) + string(value)


def number(name: str, value: int) -> bytes:
    return string(name) + struct.pack("<II", UINT32, value)


def many(name: str, kind: int, values: list[bytes]) -> bytes:
    return string(name) + struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(values)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
