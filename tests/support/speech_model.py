"""A Whisper model of one layer, made by hand: it says "low" or "high" as the sound is, with stamps that are known.

One attention sums up all that was heard, other weights are 0: the token that follows is decided by the last one and,
behind the first stamp, by which of two bands is louder. Real code loads and runs it as it does a trained one.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SAYS = 800
"""Length of what it says, in ms, from where a stretch of sound begins."""
WIDTH, TEXT = 32, 50_257
"""Size of a state, and number of tokens of text, most of which nobody uses."""
WORDS = (" low", " high", " tief")
"""Words it knows; the last one is all of its German."""
EDGE = 30
"""Band that is the first high one, about 1.2 kHz."""
STAMPS = tuple(f"<|{place * 0.02:.2f}|>" for place in range(1501))


def tokens() -> list[str]:
    """List all tokens by their number, as a trained model has them."""
    from tokenizers.pre_tokenizers import ByteLevel

    text = [*sorted(ByteLevel.alphabet()), *(word.replace(" ", "Ġ") for word in WORDS)]
    text += [f"x{number}" for number in range(TEXT - len(text) - 1)]
    text.append("")  # by which CTranslate2 knows that a model is multilingual
    return [*text, *special(), *STAMPS]


def special() -> list[str]:
    """List the tokens that stand for no text."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    languages = [code for code in _LANGUAGE_CODES if code != "yue"]  # which came later
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    return [f"<|{word}|>" for word in ("endoftext", "startoftranscript", *languages, *tasks)]


def make_model(folder: Path, *, is_sure: bool = True, bands: int = 80) -> Path:
    """Write the model and what belongs to it; one that is not sure finds each token as likely as any other."""
    from ctranslate2.specs import WhisperSpec

    folder.mkdir(parents=True)
    names = tokens()
    number = {name: place for place, name in enumerate(names)}
    spec = WhisperSpec(1, 1, 1, 1)
    _fill_encoder(spec.encoder, bands)
    _fill_decoder(spec.decoder, number, is_sure)
    spec.register_vocabulary(names)
    spec.config.lang_ids = list(range(number["<|startoftranscript|>"] + 1, number["<|translate|>"]))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [number["<|endoftext|>"]]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(names)), "utf-8")
    return folder


def _tokenizer(names: list[str]) -> dict[str, object]:
    added = [
        {"id": TEXT + place, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for place, name in enumerate(names[TEXT : -len(STAMPS)])
    ]  # fmt: skip
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {name: place for place, name in enumerate(names[:TEXT])}, "merges": []}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": bytes_, "post_processor": None, "decoder": bytes_, "model": model,
    }  # fmt: skip


def _norm(spec, size: int = WIDTH) -> None:
    spec.gamma, spec.beta = np.ones(size, np.float32), np.zeros(size, np.float32)


def _linear(spec, rows: int, weight: np.ndarray | None = None) -> None:
    spec.weight = np.zeros((rows, WIDTH), np.float32) if weight is None else weight.astype(np.float32)
    spec.bias = np.zeros(rows, np.float32)


def _feed_forward(spec) -> None:
    _norm(spec.layer_norm)
    _linear(spec.linear_0, WIDTH)
    _linear(spec.linear_1, WIDTH)


def _fill_encoder(spec, bands: int) -> None:
    """Two numbers of a state are how loud the low and the high bands are."""
    loud = np.zeros((WIDTH, bands, 3), np.float32)
    loud[0, :EDGE, 1], loud[1, EDGE:, 1] = 1 / EDGE, 1 / (bands - EDGE)
    same = np.zeros((WIDTH, WIDTH, 3), np.float32)
    same[:, :, 1] = np.eye(WIDTH)
    for conv, weight in ((spec.conv1, loud), (spec.conv2, same)):
        conv.weight, conv.bias = weight, np.full(WIDTH, 2, np.float32)  # far from where GELU bends
    spec.position_encodings.encodings = np.zeros((1500, WIDTH), np.float32)
    _norm(spec.layer_norm)
    _norm(spec.layer[0].self_attention.layer_norm)
    _linear(spec.layer[0].self_attention.linear[0], 3 * WIDTH)
    _linear(spec.layer[0].self_attention.linear[1], WIDTH)
    _feed_forward(spec.layer[0].ffn)


def _fill_decoder(spec, number: dict[str, int], is_sure: bool) -> None:
    rng = np.random.default_rng(1)
    states = np.zeros((len(number), WIDTH), np.float32)
    follows = np.zeros((len(number), WIDTH), np.float32)
    stamps = [f"<|{ms / 1000:.2f}|>" for ms in (0, SAYS)]
    heard = [word.replace(" ", "Ġ") for word in WORDS]
    languages = special()[2:-6]
    steps = [
        (["<|startoftranscript|>"], ["<|en|>"]), (languages, ["<|transcribe|>"]), (["<|transcribe|>"], stamps[:1]),
        (stamps[:1], heard), (heard, stamps[1:]), (stamps[1:], ["<|endoftext|>"]),
    ]  # fmt: skip
    for place, (before, behind) in enumerate(steps):
        state = np.zeros(WIDTH, np.float32)
        state[8 + 4 * place : 12 + 4 * place] = rng.choice([-1, 1]) * np.array([10, -10, 10, -10])
        for name in before:
            states[number[name]] = state
        for name in behind:
            follows[number[name]] = state * is_sure
    follows[[number[word] for word in heard[:2]], 0] = 30 * is_sure, -30 * is_sure
    states[number["<|de|>"], 2], follows[number[heard[2]], 2] = 10, 60 * is_sure
    spec.embeddings.weight = states
    spec.projection.weight = follows
    spec.position_encodings.encodings = np.zeros((448, WIDTH), np.float32)
    _norm(spec.layer_norm)
    layer = spec.layer[0]
    for attention in (layer.self_attention, layer.attention):
        _norm(attention.layer_norm)
    before = np.zeros((3 * WIDTH, WIDTH), np.float32)
    before[2 * WIDTH + 2, 2] = 1  # the language, from wherever it stands
    _linear(layer.self_attention.linear[0], 3 * WIDTH, before)
    _linear(layer.self_attention.linear[1], WIDTH, np.eye(WIDTH))
    values = np.zeros((2 * WIDTH, WIDTH), np.float32)
    values[WIDTH, 0], values[WIDTH, 1] = 4, -4  # the difference of the bands, over all frames
    _linear(layer.attention.linear[0], WIDTH)
    _linear(layer.attention.linear[1], 2 * WIDTH, values)
    _linear(layer.attention.linear[2], WIDTH, np.eye(WIDTH))
    _feed_forward(layer.ffn)
