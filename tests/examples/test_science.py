"""The models of examples/ that are trained: short runs get somewhere, and their parts mean what they say."""

import numpy as np
import pytest

from tests.examples.test_examples import load


def test_vae(tmp_path):
    program = load("vae")
    found = program.main(epochs=2, picture=None)
    assert found["without"] < found["new"] < 0
    logits, digits = np.array([[0.0, 2.0]]), np.array([[0.25, 1.0]])
    ink = 1 / (1 + np.exp(-2.0))
    expected = np.log(1820 * 0.5**16) + 16 * np.log(ink)  # 1820 ways to choose 4 dots of 16
    np.testing.assert_allclose(program.log_likelihood(logits, digits), [expected], rtol=1e-6)
    pytest.importorskip("matplotlib")
    program.draw(found["model"], np.zeros((70, 64), np.float32), tmp_path / "vae.png")
    assert (tmp_path / "vae.png").stat().st_size > 5000


def test_gan(tmp_path):
    program = load("gan")
    found = program.main(epochs=1, picture=None)
    assert found["held out"]["sure"] > found["forged"]["sure"]
    np.testing.assert_allclose(np.sum(found["forged"]["spread"]), 1)
    pytest.importorskip("matplotlib")
    program.draw(np.zeros((200, 1, 8, 8)), tmp_path / "gan.png")
    assert (tmp_path / "gan.png").stat().st_size > 2000


def test_pinn(tmp_path):
    program = load("pinn")
    rng = np.random.default_rng(0)
    x, t = rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.3, 50)
    missed = program.residual(program.exact, x, t)
    np.testing.assert_allclose(missed.data, 0, atol=1e-9)  # the formula and its derivatives agree
    wave = program.Wave()
    np.testing.assert_allclose(wave(x, 0 * t).data, -np.sin(np.pi * x))
    np.testing.assert_allclose(wave(np.sign(x), t).data, 0, atol=1e-15)
    start = program.off(wave)
    found = program.main(points=200, adam=100, lbfgs=6, width=10, picture=None)
    assert found["off"] < start
    pytest.importorskip("matplotlib")
    program.draw(found["wave"], tmp_path / "pinn.png")
    assert (tmp_path / "pinn.png").stat().st_size > 5000


def test_newton(tmp_path):
    program = load("newton")
    found = program.main(dimensions=6, steps=200, picture=None)
    for problems in found["two"], found["many"]:
        for name in ("L-BFGS", "Newton", "truncated Newton"):
            assert problems[name].off < 1e-6, name
        assert problems["Newton"].counts["gradients"] < 50
    pytest.importorskip("matplotlib")
    program.draw(found["two"], found["many"], tmp_path / "newton.png")
    assert (tmp_path / "newton.png").stat().st_size > 5000
