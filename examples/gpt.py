"""A GPT that learns to write, character by character, from a text of your own or from the King James Bible.

    python examples/gpt.py my.txt
    python examples/gpt.py --folder runs/gpt
    python examples/gpt.py --folder runs/gpt --prompt "In the beginning" --temperature 0.6 --top-k 10

Without a text it reads the Bible of Debian's package bible-kjv (4 million characters, long out of copyright), and where
that is not installed, the reference manual that comes with Python. Sizes and settings are those that Karpathy's nanoGPT
has for a CPU: 4 layers of 4 heads, 128 wide, that see 64 characters; 12 examples in a batch; AdamW.

With --folder the run is kept there: stop it when you like, and the same command goes on with it. Once it is trained,
the command only writes.
"""

import argparse
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

import calligrad
from calligrad import nn, no_grad, optim
from calligrad.data import BPETokenizer, CharTokenizer, DataLoader, RandomSampler, Subset
from calligrad.nn.functional import cross_entropy, scaled_dot_product_attention, softmax
from calligrad.train import Trainer


class CausalSelfAttention(nn.Module):
    """Every place asks all places up to itself, with several questions (heads) at once.

    Vaswani and others, "Attention is all you need", arXiv:1706.03762.
    """

    def __init__(self, width, heads):
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x):
        n, length, width = x.shape
        parts = self.query_key_value(x).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)  # each (n, heads, length, width of a head)
        found = scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(found.swapaxes(1, 2).reshape(n, length, width))


class Block(nn.Module):
    """Look at the other places, then think about what was found; each adds to what is there."""

    def __init__(self, width, heads):
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.attention = CausalSelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.gelu = nn.GELU()
        self.out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.out(self.gelu(self.widen(self.norm2(x))))


class GPT(nn.Module):
    """From tokens (n, length) to the logits of the token after each of them, (n, length, vocabulary).

    Radford and others, "Language models are unsupervised multitask learners", 2019.
    """

    def __init__(self, vocabulary, context=64, width=128, layers=4, heads=4):
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight  # one table, to read and to write
        for name, weight in self.named_parameters():
            if weight.ndim == 2:  # what is added 2 * layers times starts smaller
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers) if "out" in name else 0.02)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places(np.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def loss(logits, targets):
    """Cross-entropy at all places, in nats per token."""
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


class Windows:
    """All pieces of ``length`` tokens, each with the tokens that come one later."""

    def __init__(self, tokens, length):
        if len(tokens) <= length:
            raise ValueError(f"the text is too short: a tenth of it is to have more than {length} tokens")
        self.tokens, self.length = tokens, length

    def __len__(self):
        return len(self.tokens) - self.length

    def __getitem__(self, i):
        return self.tokens[i : i + self.length], self.tokens[i + 1 : i + 1 + self.length]


def corpus(path=None):
    """The text in the file ``path``, or one that is there without it."""
    if path:
        return Path(path).read_text("utf-8")
    if bible := shutil.which("bible"):
        print("the text is the King James Bible")
        command = [bible, "-f", "Genesis 1:1-Revelation 22:21"]
        verses = subprocess.run(command, check=True, capture_output=True, encoding="ascii").stdout
        return re.sub(r"^\w+:\d+ ", "", verses, flags=re.MULTILINE)  # without the "Ge1:1 " before each verse
    from pydoc_data.topics import topics

    print("the text is Python's reference manual; with `apt install bible-kjv` it would be the King James Bible")
    return "\n".join(topics.values())


def optimizer_of(model, steps):
    """AdamW, which shrinks the matrices alone, and its rate: up in 100 steps, and down along a cosine."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    scales = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": scales, "weight_decay": 0.0}]
    optimizer = optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    warm = min(100, steps // 2)
    up = optim.LinearLR(optimizer, 0.01, total_iters=warm)
    down = optim.CosineAnnealingLR(optimizer, steps - warm, eta_min=1e-4)
    return optimizer, optim.SequentialLR(optimizer, [up, down], milestones=[warm])


@no_grad()
def write(model, tokens, count, temperature=0.8, top_k=None):
    """``tokens`` and ``count`` more, one after the other, each drawn by its probability.

    The logits are divided by ``temperature``: below 1 the likely becomes likelier. All but the ``top_k`` likeliest are
    left out.
    """
    rng = calligrad.random.generator()
    model.eval()
    for _ in range(count):
        logits = model(tokens[None, -model.context :]).data[0, -1] / temperature
        if top_k:
            logits[logits < np.sort(logits)[-top_k:][0]] = -np.inf
        tokens = np.append(tokens, rng.choice(len(logits), p=softmax(logits, axis=-1)))
    return tokens


def main(text=None, epochs=8, folder=None, pieces=0, prompt=None, count=1000, temperature=0.8, top_k=None, steps=250):
    """Train on the file ``text``, in ``epochs`` of so many ``steps``, and write ``count`` tokens after ``prompt``."""
    if temperature <= 0:
        raise ValueError("the temperature is above 0; with top_k=1 the likeliest token is taken each time")
    calligrad.random.seed(0)
    text = corpus(text)
    tokenizer = BPETokenizer.train(text, pieces) if pieces else CharTokenizer(text)
    tokens = tokenizer.encode(text)
    begin = tokenizer.encode(prompt or ("\n" if "\n" in text else text[0]))
    model = GPT(tokenizer.vocab_size)
    print(f"{len(text):,} characters, {len(tokens):,} tokens of {tokenizer.vocab_size} kinds")
    print(f"{sum(p.size for p in model.parameters()):,} parameters")

    cut = len(tokens) * 9 // 10
    training, validation = Windows(tokens[:cut], model.context), Windows(tokens[cut:], model.context)
    anywhere = RandomSampler(training, replacement=True, num_samples=12 * steps)
    training = DataLoader(training, batch_size=12, sampler=anywhere, seed=0)
    evenly = np.linspace(0, len(validation) - 1, min(1200, 1 + len(validation) // model.context)).astype(int)
    validation = DataLoader(Subset(validation, evenly), batch_size=60)

    optimizer, schedule = optimizer_of(model, epochs * steps)
    trainer = Trainer(model, loss, optimizer, schedule=schedule, schedule_per="step", clip_norm=1.0, run_folder=folder)
    history = trainer.fit(training, validation, epochs)
    written = tokenizer.decode(write(model, begin, count, temperature, top_k))
    print(written)
    return {"history": history, "text": written, "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", help="a file, in UTF-8")
    parser.add_argument("--epochs", type=int, default=8, help="of 250 steps")
    parser.add_argument("--folder", help="where the run is kept")
    parser.add_argument("--pieces", type=int, default=0, help="learn so many pieces of words, not characters")
    parser.add_argument("--prompt", help="how the text that is written begins")
    parser.add_argument("--count", type=int, default=1000, help="tokens to write")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-k", type=int)
    main(**vars(parser.parse_args()))
