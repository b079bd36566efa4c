"""The examples that read text: the GPT, and the LSTM that tells languages apart."""

import shutil

import numpy as np
import pytest

from tests.examples.test_examples import load

VERSE = "In the beginning God created the heaven and the earth.\n"


def test_gpt_learns_and_writes(tmp_path):
    gpt = load("gpt")
    (tmp_path / "my.txt").write_text(VERSE * 40, "utf-8")

    def run():
        return gpt.main(tmp_path / "my.txt", epochs=2, steps=8, folder=tmp_path / "run", prompt="In the", count=20)

    found = run()
    assert found["history"][-1]["validation_loss"] < 2 < np.log(len(set(VERSE)))
    assert found["text"].startswith("In the")
    assert len(found["text"]) == 26
    assert run()["history"] == found["history"]  # it is trained already, and only writes
    model, tokens = found["model"], np.arange(3)
    likeliest = [gpt.write(model, tokens, 5, top_k=1), gpt.write(model, tokens, 5, temperature=1e-6)]
    assert np.array_equal(*likeliest)


def test_gpt_of_pieces_of_words(tmp_path):
    (tmp_path / "my.txt").write_text(VERSE * 200, "utf-8")
    found = load("gpt").main(tmp_path / "my.txt", epochs=1, steps=2, pieces=270, prompt="Gott, naïve", count=3)
    assert found["text"].startswith("Gott, naïve")


def test_gpt_starts_even(tmp_path):
    gpt = load("gpt")
    model, (tokens, others) = gpt.GPT(50), np.random.default_rng(0).integers(50, size=(2, 4, 64))
    assert abs(gpt.loss(model(tokens), others).item() - np.log(50)) < 0.1
    changed = np.where(np.arange(64) < 40, tokens, 0)  # what comes later is not seen
    np.testing.assert_allclose(model(tokens).data[:, :40], model(changed).data[:, :40], rtol=0, atol=1e-5)


def test_gpt_without_a_text_or_with_a_short_one(tmp_path, monkeypatch, capsys):
    gpt = load("gpt")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "statement" in gpt.corpus()
    assert "apt install bible-kjv" in capsys.readouterr().out
    (tmp_path / "short.txt").write_text(VERSE, "utf-8")
    with pytest.raises(ValueError, match="too short"):
        gpt.main(tmp_path / "short.txt")


def test_languages(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, letters in {"soft": list("aeioulmn"), "hard": list("aktpikrx"), "far": list("åäöülmkt")}.items():
        words = ["".join(rng.choice(letters, size)) for size in rng.integers(4, 12, 120)]
        (tmp_path / f"{name}.txt").write_bytes("\n".join(words).encode("latin-1" if name == "far" else "utf-8"))
    found = load("languages").main(tmp_path, epochs=6)
    assert 0.3 < found["majority"] < 0.4
    assert found["pieces of 3 letters"] > 0.8
    assert found["LSTM"] > 0.8
    assert "hard" in capsys.readouterr().out
    (tmp_path / ".notes").write_text("no list\n", "utf-8")
    assert list(load("languages").lists(tmp_path)) == ["far", "hard", "soft"]


def test_languages_without_lists(tmp_path, monkeypatch):
    languages = load("languages")
    monkeypatch.setattr(languages, "LANGUAGES", {"none": "no such list"})
    with pytest.raises(SystemExit, match="apt install wamerican"):
        languages.main()
    (tmp_path / "a.txt").write_text("one\ntwo\n", "utf-8")
    with pytest.raises(SystemExit, match="has 1 lists"):
        languages.main(tmp_path)
    (tmp_path / "b.txt").write_text("two\nthree\n", "utf-8")
    with pytest.raises(SystemExit, match="a has 1 words that stand in no other list"):
        languages.main(tmp_path)
