"""Pictures: where they can be written is known before they are drawn."""

import os
import struct
import sys

import pytest

from calligrad.commands import pictures
from calligrad.commands.errors import UserError

pytest.importorskip("matplotlib")


@pytest.fixture
def figure():
    figure = pictures.canvas(4, 3, "a $title$ with a formula that is none, 手写")
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], label="data")
    pictures.label(axes, "axes", "$x", "y$")
    return figure


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG\r\n"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")])
def test_formats(figure, tmp_path, name, start):
    path = pictures.prepare(str(tmp_path / name))
    assert not list(tmp_path.iterdir())
    pictures.save(figure, path)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_bytes().startswith(start)


def test_size(figure, tmp_path):
    pictures.save(figure, tmp_path / "a.png")
    assert struct.unpack(">II", (tmp_path / "a.png").read_bytes()[16:24]) == (600, 450)


def test_an_older_picture_is_replaced_where_its_link_points(figure, tmp_path):
    (tmp_path / "real.png").write_text("old")
    try:
        (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    except OSError:
        pytest.skip("no symbolic links here")
    pictures.save(figure, pictures.prepare(str(tmp_path / "link.png")))
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("missing/a.png", "No such file"),
        ("file.png/a.png", "Not a directory"),
        ("folder.png", "there is a folder of this name"),
        ("", "needs the name of a picture"),
        (".", "there is a folder of this name"),
        ("a.txt", "ends in .png"),
        ("a", "ends in .png"),
        (".png", "ends in .png"),
        (f"{'a' * 300}.png", "too long"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has other words for it")
def test_refused_before_anything_is_drawn(tmp_path, monkeypatch, output, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.png").write_text("old")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="--output") as caught:
        pictures.prepare(output)
    assert words in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} == {"file.png", "folder.png"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError, match="cannot be overwritten"):
        pictures.prepare(str(tmp_path / "pipe.png"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_places_without_permission(tmp_path):
    (tmp_path / "old.png").write_text("old")
    (tmp_path / "old.png").chmod(0o400)
    with pytest.raises(UserError, match="cannot be overwritten"):
        pictures.prepare(str(tmp_path / "old.png"))
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        pictures.prepare(str(tmp_path / "new.png"))


def test_a_failure_leaves_nothing_behind(figure, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_text("old")

    def fail(path, **kwargs):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(UserError, match="No space left"):
        pictures.save(figure, tmp_path / "a.png")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.png", "old")]


def test_nothing_global_is_touched(figure, tmp_path):
    pictures.save(figure, tmp_path / "a.png")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
