"""Progress: plain lines without a terminal or without rich, a bar with both; always on stderr."""

import sys

import pytest

from calligrad.progress import Bar, Lines, progress


def test_lines_at_every_tenth(capsys):
    with progress("training", 20) as shown:
        for i in range(20):
            shown.step(f"loss {i}")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"training {10 * t:3d} %  loss {2 * t - 1}" for t in range(1, 11)]


@pytest.mark.parametrize("total", [1, 3, 10, 11, 997])
def test_lines_are_few_and_end_at_100(capsys, total):
    with progress("training", total) as shown:
        for _ in range(total):
            shown.step("")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == min(total, 10)
    assert "100 %" in lines[-1]


def test_a_bar_on_a_terminal(terminal):
    pytest.importorskip("rich")
    screen = terminal()
    with progress("training", 100) as shown:
        for i in range(100):
            shown.step(f"loss [red]{i}")
    assert isinstance(shown, Bar)
    drawn = screen.getvalue()
    assert "100 %" in drawn
    assert "loss [red]99" in drawn  # the note is no markup


def test_the_bar_is_gone_after_an_interruption(terminal):
    pytest.importorskip("rich")
    terminal()
    with pytest.raises(KeyboardInterrupt), progress("training", 100) as shown:
        raise KeyboardInterrupt
    assert not shown.bar.live.is_started


def test_no_rich_no_bar(monkeypatch, terminal):
    terminal()
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert isinstance(progress("training", 10), Lines)


def test_no_bar_where_a_line_cannot_be_redrawn(terminal):
    pytest.importorskip("rich")
    terminal("dumb")
    assert isinstance(progress("training", 10), Lines)


def test_a_line_above_the_bar_and_a_note_that_is_made_when_it_is_shown(terminal):
    pytest.importorskip("rich")
    screen, made = terminal(), []
    with progress("training", 1000, done=500) as shown:
        for i in range(500):
            shown.step(lambda i=i: made.append(i) or f"loss {i}")
        shown.line("epoch 1 [red]done")
    assert "epoch 1 [red]done" in screen.getvalue()
    assert "100 %" in screen.getvalue()
    assert 2 <= len(made) < 400


def test_lines_that_keep_a_distance(capsys, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with progress("training", 10, pause=5) as shown:
        for i in range(10):
            shown.step(f"loss {i}")
    assert 1 <= len(capsys.readouterr().err.splitlines()) <= 3


def test_nothing_is_said_of_the_way_when_its_end_is_unknown(capsys):
    with progress("training", None) as shown:
        shown.step("loss")
        shown.line("epoch 1")
    assert capsys.readouterr().err == "epoch 1\n"
