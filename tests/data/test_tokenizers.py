"""Text to tokens and back."""

import json
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligrad.data import BPETokenizer, CharTokenizer
from calligrad.data.tokenizers import WORDS

TEXT = "It is a truth universally acknowledged, that a single man in possession of a good fortune, " * 3 + (
    "must be in want of a wife. 12 + 34 = 46; naïve café 🙂🙂 他是一个人。\n\n    indented\n\ttab aaaa aaaaaaa"
)
TRAINED = BPETokenizer.train(TEXT, 360, special=["<end>", "<end>s"])
ANY_TEXT = st.text(st.characters(codec=None))  # lone surrogates too


def slow_pairs(text, count):
    """The definition: count all pairs, merge the most frequent one everywhere, begin again."""
    words = [list(word.encode()) for word in re.findall(WORDS, text)]
    found = []
    for new in range(256, 256 + count):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        found.append(best)
        for word in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [new]
                i += 1
    return found


def test_training_finds_the_most_frequent_pairs():
    assert list(TRAINED.merges) == slow_pairs(TEXT, 102)


@given(st.text("ab c", max_size=60))
def test_training_agrees_with_its_definition_where_pairs_overlap(text):
    assert list(BPETokenizer.train(text, 280).merges) == slow_pairs(text, 24)


def test_training_ends_when_there_is_nothing_to_merge():
    assert BPETokenizer.train("ab", 1000).vocab_size == 257
    assert BPETokenizer.train("", 256).vocab_size == 256


@given(ANY_TEXT)
def test_any_text_comes_back(text):
    tokens = TRAINED.encode(text)
    assert tokens.dtype == np.int64
    assert TRAINED.decode(tokens) == text
    assert (tokens < 358).all()  # no special token out of ordinary text


@given(st.binary())
def test_any_bytes_come_back(data):
    assert TRAINED.decode_bytes(TRAINED.encode(data)) == data


@given(st.lists(st.integers(0, 359)))
def test_any_tokens_are_bytes(tokens):
    assert TRAINED.decode_bytes(tokens) == b"".join(TRAINED.pieces[token] for token in tokens)
    TRAINED.decode(tokens)


def test_text_and_its_bytes_have_the_same_tokens():
    np.testing.assert_array_equal(TRAINED.encode(TEXT), TRAINED.encode(TEXT.encode()))
    assert len(TRAINED.encode(TEXT)) < len(TEXT) / 2
    lone, byte = "\udc80", b"\x80"  # which Python can write alike
    assert TRAINED.encode(lone).tolist() == [0xED, 0xB2, 0x80]
    assert TRAINED.encode(byte).tolist() == [0x80]
    assert TRAINED.decode([0x80]) == "\ufffd"


def test_special_tokens_are_made_on_demand_alone():
    text = "one<end>two<end>s"
    assert TRAINED.decode(TRAINED.encode(text)) == TRAINED.decode(TRAINED.encode(text, special=True)) == text
    assert [t for t in TRAINED.encode(text, special=True) if t >= 358] == [358, 359]
    documents = BPETokenizer.train("aa<end>aa<end>aa", 258, special=["<end>"])
    assert list(documents.merges) == [(97, 97)]  # the mark between them is no text to learn from


@pytest.mark.parametrize("tokenizer", [TRAINED, CharTokenizer(TEXT + "\ud800")])
def test_saved_and_loaded_it_is_the_same(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    loaded = type(tokenizer).load(path)
    assert loaded.vocab_size == tokenizer.vocab_size
    np.testing.assert_array_equal(loaded.encode(TEXT), tokenizer.encode(TEXT))
    assert loaded.decode(loaded.encode(TEXT)) == TEXT
    assert [file.name for file in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"kind": "characters", "characters": "ab"}),
        json.dumps({"kind": "byte pairs", "merges": 3, "special": [], "words": ""}),
        json.dumps({"kind": "byte pairs", "merges": [[300, 1]], "special": [], "words": WORDS}),
        json.dumps({"kind": "byte pairs", "merges": [[97, 97], [97, 97]], "special": [], "words": WORDS}),
        json.dumps({"kind": "byte pairs", "merges": [[97]], "special": [], "words": WORDS}),
        json.dumps({"kind": "byte pairs", "merges": [["a", "b"]], "special": [], "words": WORDS}),
        json.dumps({"kind": "byte pairs", "merges": [], "special": [1], "words": WORDS}),
        json.dumps({"kind": "byte pairs", "merges": [], "special": [], "words": "("}),
    ],
)
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not the file of a tokenizer"):
        BPETokenizer.load(path)


@given(ANY_TEXT.filter(bool))
def test_characters_come_back(text):
    tokenizer = CharTokenizer(text)
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert tokenizer.vocab_size == len(set(text))
    assert sorted(set(tokens.tolist())) == list(range(tokenizer.vocab_size))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: CharTokenizer(""), ValueError, "one character or more"),
        (lambda: CharTokenizer("abc").encode("abz"), ValueError, "character 'z' at 2"),
        (lambda: CharTokenizer(b"abc"), TypeError, "takes str, not bytes"),
        (lambda: CharTokenizer("abc").decode([0, 3]), ValueError, "token 3 at 1 is not among the tokens 0 to 2"),
        (lambda: TRAINED.decode([-1]), ValueError, "token -1 at 0"),
        (lambda: TRAINED.decode([[1]]), ValueError, "list of whole numbers"),
        (lambda: TRAINED.decode([1.0]), ValueError, "float64"),
        (lambda: TRAINED.encode(3), TypeError, "str or bytes, not int"),
        (lambda: BPETokenizer.train("a", 255), ValueError, "at least 256"),
        (lambda: BPETokenizer([], ["a", "a"]), ValueError, "different texts"),
    ],
)
def test_what_has_no_tokens_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
