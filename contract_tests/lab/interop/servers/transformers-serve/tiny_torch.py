"""Write a tiny chat model with random weights as transformers keeps models: `tiny_torch.py FOLDER`.

Two llama layers, 64 wide, and a tokenizer trained here on a few lines. The same weights every time.
"""

# mypy: ignore-errors
# It runs in the environment of its server, which is not the kit's.

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 7
LOUDNESS = 40
END, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
LINES = [
    "write a poem about a tree",
    "the leaves fall and the river is slow",
    "the weather in the city today",
]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer():
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=[END, TURN, END_OF_TURN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain.train_from_iterator(LINES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token=END, eos_token=END_OF_TURN, pad_token=END, chat_template=TEMPLATE
    )


def make_model(tokenizer):
    """The model; a token that is no printable text is never preferred, the end of a turn is."""
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        **ends,
    )
    torch.manual_seed(SEED)
    network = LlamaForCausalLM(shape)
    with torch.no_grad():
        network.lm_head.weight.mul_(LOUDNESS)
        for number, token in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))):
            text = tokenizer.convert_tokens_to_string([token])
            if token in (END, TURN) or not (text.isascii() and text.isprintable()):
                network.lm_head.weight[number].zero_()
    network.generation_config = GenerationConfig(
        max_new_tokens=256, do_sample=False, pad_token_id=tokenizer.pad_token_id, **ends
    )
    return network


if __name__ == "__main__":
    trained = train_tokenizer()
    make_model(trained).save_pretrained(sys.argv[1])
    trained.save_pretrained(sys.argv[1])
