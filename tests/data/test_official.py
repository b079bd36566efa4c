"""The official files of MNIST and its like: found, downloaded, resumed, checked. The server is one of our own."""

import gzip
import hashlib
import io
import pickle
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import calligrad.data
from calligrad.data import official
from calligrad.data.official import Cifar10, File, Idx, Source

SYSTEM = Path("/usr/share/datasets/fashion-mnist")


class Server(BaseHTTPRequestHandler):
    """Serves ``files``; with ``short``, only so many bytes of an answer before it hangs up."""

    files: ClassVar[dict[str, bytes]] = {}
    ranges = True
    short: int | None = None
    log: ClassVar[list] = []

    def do_GET(self):
        data = self.files.get(self.path.rpartition("/")[2])
        wanted = self.headers.get("Range")
        self.log.append(wanted)
        if data is None:
            self.send_error(404)
            return
        start = 0
        if wanted and self.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: self.short])

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    handler = type("Handler", (Server,), {"files": {}, "log": []})
    listening = HTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{listening.server_port}/"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler
    listening.shutdown()
    thread.join()
    listening.server_close()


def packed(name, data):
    """A file that holds ``data``, as it is described, and its bytes."""
    archive = gzip.compress(data, mtime=0)
    return File(name, len(archive), hashlib.sha256(data).hexdigest()), archive


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)
IMAGE_FILE, IMAGE_BYTES = packed(
    "images.gz", b"\0\0\x08\x03" + np.array([5, 28, 28], ">u4").tobytes() + IMAGES.tobytes()
)
LABEL_FILE, LABEL_BYTES = packed("labels.gz", b"\0\0\x08\x01" + np.array([5], ">u4").tobytes() + LABELS.tobytes())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLIGRAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def mnist(server, cache, tmp_path, monkeypatch):
    """A small set in the form of MNIST, at the server."""
    server.files.update({"images.gz": IMAGE_BYTES, "labels.gz": LABEL_BYTES})
    source = Source("mnist", [server.url + "first/", server.url], ("dataset-mnist", str(tmp_path / "system")))
    small = Idx(source, train=(IMAGE_FILE, LABEL_FILE), test=(IMAGE_FILE, LABEL_FILE))
    monkeypatch.setitem(official.SETS, "mnist", small)
    return small


def is_right(loaded):
    images, labels = loaded
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert images.flags.writeable
    assert labels.flags.writeable


# ---------------------------------------------------------------- where they are


def test_what_is_not_there_is_downloaded_once(mnist, cache, server, capsys):
    is_right(calligrad.data.load("mnist"))
    assert sorted(path.name for path in cache.iterdir()) == ["images.gz", "labels.gz"]
    assert "100 %" in capsys.readouterr().err
    server.log.clear()
    is_right(calligrad.data.load("mnist", "test"))
    assert server.log == []


def test_a_folder_comes_first_unpacked_or_not(mnist, server, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "images.gz").write_bytes(IMAGE_BYTES)
    (folder / "labels").write_bytes(gzip.decompress(LABEL_BYTES))
    is_right(calligrad.data.load("mnist", folder=folder))
    is_right(calligrad.data.load("mnist", folder=str(folder)))
    assert server.log == []


def test_then_the_systems_package(mnist, server, tmp_path):
    (tmp_path / "system").mkdir()
    for name, data in server.files.items():
        (tmp_path / "system" / name).write_bytes(data)
    is_right(calligrad.data.load("mnist"))
    assert server.log == []


def test_a_download_goes_into_the_folder_that_was_given(mnist, cache, tmp_path):
    is_right(calligrad.data.load("mnist", folder=tmp_path / "new" / "place"))
    assert (tmp_path / "new" / "place" / "images.gz").exists()
    assert not cache.exists()


@pytest.mark.skipif(not SYSTEM.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_as_debian_packs_it(cache):
    images, labels = calligrad.data.load("fashion_mnist", "test")
    assert (images.shape, images.dtype, labels.dtype) == ((10000, 28, 28), np.uint8, np.int64)
    assert np.bincount(labels).tolist() == [1000] * 10
    images, labels = calligrad.data.load("fashion_mnist")
    assert images.shape == (60000, 28, 28)
    assert labels[:5].tolist() == [9, 0, 0, 3, 0]


# ---------------------------------------------------------------- what can go wrong


def test_a_broken_download_is_resumed(mnist, cache, server):
    server.short = 1000
    with pytest.raises(ConnectionError, match=r"ended after 1000 of .* ended after 2000 of"):
        calligrad.data.load("mnist")
    assert [path.name for path in cache.iterdir()] == ["images.gz.part"]
    have = (cache / "images.gz.part").stat().st_size
    assert 0 < have < len(IMAGE_BYTES)
    server.short = None
    server.log.clear()
    is_right(calligrad.data.load("mnist"))
    assert server.log == [f"bytes={have}-", None]


def test_a_server_that_cannot_resume_begins_anew(mnist, cache, server):
    cache.mkdir(parents=True)
    (cache / "images.gz.part").write_bytes(b"half")
    server.ranges = False
    is_right(calligrad.data.load("mnist"))


def test_a_part_that_was_wrong_is_given_up(mnist, cache, server):
    cache.mkdir(parents=True)
    (cache / "images.gz.part").write_bytes(b"x" * 100)
    is_right(calligrad.data.load("mnist"))  # from the other address, from the start
    assert server.log == ["bytes=100-", None, None]


@pytest.mark.parametrize(
    "change", [lambda x: x[:-1] + b"!", lambda x: x + b"!", lambda x: x[:-9], lambda x: LABEL_BYTES]
)
def test_other_bytes_than_the_official_are_never_kept(mnist, cache, server, change):
    server.files["images.gz"] = change(IMAGE_BYTES)
    with pytest.raises(ConnectionError, match=r"images\.gz could not be downloaded"):
        calligrad.data.load("mnist")
    assert not (cache / "images.gz").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(IMAGE_BYTES[:-20], "damaged or not whole"), (b"", "another one"), (LABEL_BYTES, "another one")],
)
def test_a_damaged_file_is_named(mnist, cache, content, words):
    cache.mkdir(parents=True)
    (cache / "images.gz").write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        calligrad.data.load("mnist")
    assert str(cache / "images.gz") in str(caught.value)


def test_without_a_network_it_says_what_to_put_where(mnist, cache, server):
    mnist.source.addresses = ["http://127.0.0.1:9/"]
    with pytest.raises(ConnectionError, match="refused") as caught:
        calligrad.data.load("mnist")
    assert f"Put the file into {cache}, or install the package dataset-mnist" in str(caught.value)


def test_every_address_that_failed_is_named(mnist, server):
    server.files.clear()
    with pytest.raises(ConnectionError, match=r"first/images.gz: (.*Not Found).*/images.gz: (.*Not Found)"):
        calligrad.data.load("mnist")


# ---------------------------------------------------------------- CIFAR-10

PHOTOS = np.random.default_rng(1).integers(0, 256, (12, 3, 32, 32), np.uint8)
CLASSES = np.arange(12) % 10


def archive(form):
    """Six batches of two images in a tar.gz, not in the order of their numbers."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as tar:
        for number in (3, 0, 5, 1, 4, 2):
            photos, labels = PHOTOS[2 * number : 2 * number + 2], CLASSES[2 * number : 2 * number + 2]
            name = f"data_batch_{number}" if number else "test_batch"
            if form == "binary":
                rows = [bytes([label]) + photo.tobytes() for photo, label in zip(photos, labels)]
                name, data = name + ".bin", b"".join(rows)
            else:
                data = pickle.dumps({b"data": photos.reshape(2, -1), b"labels": labels.tolist()}, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    data = memory.getvalue()
    return File(f"cifar-10-{form}.tar.gz", len(data), hashlib.sha256(data).hexdigest()), data


@pytest.mark.parametrize("form", ["binary", "python"])
def test_cifar_is_read_from_either_archive(form, tmp_path, monkeypatch):
    files = {form: archive(form) for form in ("binary", "python")}
    small = Cifar10(Source("cifar10", []), *(file for file, _ in files.values()))
    monkeypatch.setitem(official.SETS, "cifar10", small)
    path = tmp_path / f"cifar-10-{form}.tar.gz"
    path.write_bytes(files[form][1])
    images, labels = calligrad.data.load("cifar10", folder=tmp_path)
    np.testing.assert_array_equal(images, PHOTOS[2:])
    np.testing.assert_array_equal(labels, CLASSES[2:])
    assert labels.dtype == np.int64
    images, _ = calligrad.data.load("cifar10", "test", folder=tmp_path)
    np.testing.assert_array_equal(images, PHOTOS[:2])
    path.write_bytes(files[form][1][:-1])
    with pytest.raises(ValueError, match="does not hold the official data"):  # and no pickle is opened
        calligrad.data.load("cifar10", folder=tmp_path)
