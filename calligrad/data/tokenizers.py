"""Text as numbers: characters, or pieces of words that a text itself suggests."""

from __future__ import annotations

import heapq
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np

Pair = tuple[int, int]

WORDS = r" ?\w{1,64}| ?[^\w\s]{1,64}|\s{1,64}(?!\S)|\s{1,64}"  # no token reaches over the border of two of these


class CharTokenizer:
    """One token for each character that a text has, in the order of their code points.

    >>> from calligrad.data import CharTokenizer
    >>> tokenizer = CharTokenizer("hello")
    >>> tokenizer.characters, tokenizer.encode("hole")
    ('ehlo', array([1, 3, 2, 0]))
    >>> tokenizer.decode([1, 0, 2, 2, 3])
    'hello'
    """

    def __init__(self, text: str) -> None:
        self.codes = np.unique(_code_points(text))
        if not len(self.codes):
            raise ValueError("a CharTokenizer is made from a text with one character or more")

    @property
    def characters(self) -> str:
        """All characters, in the order of their tokens."""
        return _text(self.codes)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.codes)

    def encode(self, text: str) -> np.ndarray:
        """The tokens of ``text``, int64. Raises ``ValueError`` for a character that has none."""
        codes = _code_points(text)
        tokens = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        unknown = self.codes[tokens] != codes
        if unknown.any():
            i = int(np.argmax(unknown))
            raise ValueError(f"character {text[i]!r} at {i} was not in the text the tokenizer was made from")
        return tokens.astype(np.int64, copy=False)

    def decode(self, tokens: Any) -> str:
        """The text of ``tokens``."""
        return _text(self.codes[_checked(tokens, self.vocab_size)])

    def save(self, path: str | os.PathLike) -> None:
        """Write it to a JSON file."""
        _write(path, {"kind": "characters", "characters": self.characters})

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read it from a file that ``save`` wrote."""
        return cls(_read(path, "characters", characters=str)["characters"])


class BPETokenizer:
    """Byte pair encoding: tokens are the 256 bytes, and then pairs of tokens that are frequent side by side.

    ``train`` finds the pairs. Any text has tokens, as its bytes in UTF-8 have; so have bytes. The ids are: the bytes
    0 to 255; the ``merges``, in the order in which they were found and are applied; the ``special`` tokens, which
    never come out of ordinary text. Sennrich, Haddow and Birch, "Neural machine translation of rare words with
    subword units", arXiv:1508.07909; on bytes, Radford and others, "Language models are unsupervised multitask
    learners", 2019.

    >>> from calligrad.data import BPETokenizer
    >>> tokenizer = BPETokenizer.train("low lower lowest low low", vocab_size=260, special=["<end>"])
    >>> tokenizer.encode("low")
    array([257])
    >>> tokenizer.encode("slow<end>", special=True)
    array([115, 257, 259])
    >>> tokenizer.decode(tokenizer.encode("naïve 🙂"))
    'naïve 🙂'
    """

    def __init__(self, merges: Iterable[Sequence[int]], special: Sequence[str] = (), words: str = WORDS) -> None:
        self.merges: dict[Pair, int] = {}
        self.pieces = [bytes([byte]) for byte in range(256)]
        for left, right in merges:
            if not (0 <= left < len(self.pieces) and 0 <= right < len(self.pieces)) or (left, right) in self.merges:
                raise ValueError(f"merge {len(self.merges)}, of {left} and {right}, is not one of two earlier tokens")
            self.merges[left, right] = len(self.pieces)
            self.pieces.append(self.pieces[left] + self.pieces[right])
        if len(set(special)) != len(special) or "" in special:
            raise ValueError(f"special tokens are different texts, none empty, not {list(special)}")
        self.special = {text: len(self.pieces) + i for i, text in enumerate(special)}
        self.pieces += [text.encode("utf-8", "surrogatepass") for text in special]
        self.words = words
        self._split = re.compile(words).findall
        self._known: dict[bytes, list[int]] = {}

    @classmethod
    def train(cls, text: str | bytes, vocab_size: int, special: Sequence[str] = ()) -> Self:
        """The tokenizer with ``vocab_size`` tokens, or fewer if ``text`` has no more pairs to merge.

        It merges the most frequent pair, counts anew, and so on; of equally frequent pairs that of the lowest ids.
        """
        count = vocab_size - 256 - len(special)
        if count < 0:
            raise ValueError(
                f"vocab_size is at least {256 + len(special)}, the bytes and special tokens, not {vocab_size}"
            )
        text, errors = _as_text(text)
        parts = [text] if not special else re.split("|".join(map(re.escape, special)), text)
        frequency = Counter(word for part in parts for word in re.findall(WORDS, part))
        return cls(_frequent_pairs({w.encode("utf-8", errors): n for w, n in frequency.items()}, count), special)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.pieces)

    def encode(self, text: str | bytes, special: bool = False) -> np.ndarray:
        """The tokens of ``text``, int64. With ``special``, the texts of special tokens in it become these."""
        text, errors = _as_text(text)
        longest_first = sorted(self.special, key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if special and self.special else [text]
        tokens: list[int] = []
        for part in parts:
            if special and part in self.special:
                tokens.append(self.special[part])
                continue
            for word in self._split(part):
                data = word.encode("utf-8", errors)
                if data not in self._known:
                    if len(self._known) > 1 << 17:
                        self._known.clear()
                    self._known[data] = self._merge(list(data))
                tokens += self._known[data]
        return np.array(tokens, np.int64)

    def _merge(self, tokens: list[int]) -> list[int]:
        while len(tokens) > 1:
            pair = min(pairwise(tokens), key=lambda pair: self.merges.get(pair, len(self.pieces)))
            if pair not in self.merges:
                break
            tokens, _, _ = _merged(tokens, pair, self.merges[pair])
        return tokens

    def decode_bytes(self, tokens: Any) -> bytes:
        """The bytes of ``tokens``."""
        return b"".join(map(self.pieces.__getitem__, _checked(tokens, self.vocab_size).tolist()))

    def decode(self, tokens: Any) -> str:
        """The text of ``tokens``; bytes that are no UTF-8, as of half a character, become "�"."""
        data = self.decode_bytes(tokens)
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return data.decode("utf-8", "replace")

    def save(self, path: str | os.PathLike) -> None:
        """Write it to a JSON file."""
        merges = [list(pair) for pair in self.merges]
        _write(path, {"kind": "byte pairs", "merges": merges, "special": list(self.special), "words": self.words})

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read it from a file that ``save`` wrote."""
        found = _read(path, "byte pairs", merges=list, special=list, words=str)
        try:
            return cls(found["merges"], found["special"], found["words"])
        except (ValueError, TypeError, AttributeError, re.error) as error:
            raise ValueError(f"{path} is not the file of a tokenizer: {error}") from error


# ---------------------------------------------------------------- finding the pairs


def _frequent_pairs(frequency: dict[bytes, int], count: int) -> list[Pair]:
    """The ``count`` pairs to merge. Only the words in which a pair stands are counted anew when it is merged."""
    words = [list(word) for word in frequency]
    times = list(frequency.values())
    total: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for w, word in enumerate(words):
        for pair in pairwise(word):
            total[pair] += times[w]
            where[pair].add(w)
    queue = [(-n, pair) for pair, n in total.items()]
    heapq.heapify(queue)
    found: list[Pair] = []
    while queue and len(found) < count:
        n, best = heapq.heappop(queue)
        if total[best] != -n:  # it has been counted anew since, and stands in the queue with that count
            continue
        change: Counter[Pair] = Counter()
        for w in where.pop(best):
            words[w], lost, gained = _merged(words[w], best, 256 + len(found))
            for pair in lost:
                change[pair] -= times[w]
            for pair in gained:
                change[pair] += times[w]
                where[pair].add(w)
        for pair, difference in change.items():
            if difference:
                total[pair] += difference
                if total[pair]:
                    heapq.heappush(queue, (-total[pair], pair))
        found.append(best)
    return found


def _merged(tokens: list[int], pair: Pair, new: int) -> tuple[list[int], list[Pair], list[Pair]]:
    """``tokens`` with ``new`` for each ``pair``, from left to right; the pairs that this undoes, and those it makes."""
    left, right = pair
    merged: list[int] = []
    lost: list[Pair] = []
    gained: list[Pair] = []
    start = 0  # what stands before it is in ``merged``
    i = -1
    for _ in range(tokens.count(left)):
        i = tokens.index(left, i + 1)
        if i < start or tokens[i + 1 : i + 2] != [right]:
            continue
        merged += tokens[start:i]
        start = i + 2
        lost.append(pair)
        if merged:
            lost.append((merged[-1], left))
            gained.append((merged[-1], new))
        if start < len(tokens):
            lost.append((right, tokens[start]))
            gained.append((new, tokens[start]))
        merged.append(new)
    return merged + tokens[start:], lost, gained


# ---------------------------------------------------------------- text, and files


def _as_text(text: str | bytes) -> tuple[str, str]:
    """``text`` as str, and by which way of handling errors it becomes the same bytes in UTF-8."""
    if isinstance(text, str):
        return text, "surrogatepass"
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text).decode("utf-8", "surrogateescape"), "surrogateescape"
    raise TypeError(f"a tokenizer takes str or bytes, not {type(text).__name__}")


def _code_points(text: str) -> np.ndarray:
    if not isinstance(text, str):
        raise TypeError(f"a CharTokenizer takes str, not {type(text).__name__}")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _text(codes: np.ndarray) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _checked(tokens: Any, vocab_size: int) -> np.ndarray:
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
        raise ValueError(f"tokens are a list of whole numbers, not shape {tokens.shape} of {tokens.dtype}")
    bad = (tokens < 0) | (tokens >= vocab_size)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"token {tokens[i]} at {i} is not among the tokens 0 to {vocab_size - 1}")
    return tokens.astype(np.int64)


def _write(path: str | os.PathLike, content: dict[str, Any]) -> None:
    path = Path(path)
    half = path.with_name(path.name + ".part")
    half.write_text(json.dumps(content) + "\n", encoding="ascii")
    os.replace(half, path)


def _read(path: str | os.PathLike, kind: str, **types: type) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="ascii"))
    except ValueError as error:
        raise ValueError(f"{path} is not the file of a tokenizer: {error}") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise ValueError(f"{path} is not the file of a tokenizer of {kind}")
    for name, wanted in types.items():
        if not isinstance(content.get(name), wanted):
            raise ValueError(f"{path} is not the file of a tokenizer: it has no {wanted.__name__} of {name}")
    return content
