"""MNIST, Fashion-MNIST and CIFAR-10 from their official files."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calligrad.caches import cache_folder
from calligrad.data.download import download


@dataclass(frozen=True)
class File:
    """Its name, its size as it is downloaded, and its SHA-256, which for a single .gz is that of what it holds."""

    name: str
    size: int
    sha256: str

    def read(self, path: Path) -> bytes:
        """The bytes of the file at ``path``, of a single .gz unpacked, if they are the right ones."""
        data = path.read_bytes()
        try:
            if data[:2] == b"\x1f\x8b" and not self.name.endswith(".tar.gz"):
                data = gzip.decompress(data)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged or not whole: {error}") from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ValueError(f"{path} does not hold the official data: its SHA-256 is another one")
        return data


class Source:
    """Where the files of a data set are, or else where they come from."""

    def __init__(self, name: str, addresses: Sequence[str], package: tuple[str, str] | None = None) -> None:
        self.name, self.addresses = name, addresses
        self.package = package  # the name of the system's package, and its folder

    def bytes_of(self, folder: Path | None, *files: File) -> tuple[File, bytes]:
        """The first of ``files`` that is there, which say the same in several forms; or the first, downloaded."""
        home = folder if folder is not None else cache_folder() / self.name
        places = [home, *([Path(self.package[1])] if self.package else [])]
        for place in places:
            for file in files:
                for path in (place / file.name, place / file.name.removesuffix(".gz")):
                    if path.is_file():
                        try:
                            return file, file.read(path)
                        except ValueError as error:
                            raise ValueError(f"{error}. Without it, it is fetched again") from None
        file, path = files[0], home / files[0].name
        try:
            download([address + file.name for address in self.addresses], path, file.size, check=file.read)
        except OSError as error:
            package = f", or install the package {self.package[0]}" if self.package else ""
            raise ConnectionError(f"{error}. Put the file into {home}{package}") from error
        return file, file.read(path)


class Idx:
    """Images and labels in the form of MNIST's files: bytes, after a head of 16 for images and of 8 for labels."""

    def __init__(self, source: Source, **files: tuple[File, File]) -> None:
        self.source, self.files = source, files

    def read(self, split: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
        """The images (N, 28, 28), and the labels."""
        pixels, labels = (np.frombuffer(self.source.bytes_of(folder, file)[1], np.uint8) for file in self.files[split])
        return pixels[16:].reshape(-1, 28, 28).copy(), labels[8:].astype(np.int64)


class Cifar10:
    """The archive for programs in C, which is downloaded, or that for Python, if it is there."""

    def __init__(self, source: Source, binary: File, python: File) -> None:
        self.source, self.binary, self.python = source, binary, python

    def read(self, split: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
        """The images (N, 3, 32, 32), and the labels."""
        file, archive = self.source.bytes_of(folder, self.binary, self.python)
        names = ["test_batch"] if split == "test" else [f"data_batch_{i}" for i in range(1, 6)]
        batches = []
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as members:
            for member in members:  # as they come, which is the order of their numbers in neither archive
                stem = member.name.rpartition("/")[2].removesuffix(".bin")
                if stem in names:
                    data = members.extractfile(member).read()  # type: ignore[union-attr]
                    batches.append((stem, *(_records(data) if file is self.binary else _pickled(data))))
        _, images, labels = zip(*sorted(batches, key=lambda batch: batch[0]))
        return np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels).astype(np.int64)


def _records(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Of each image its label, a byte, and then its pixels."""
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:], records[:, 0]


def _pickled(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A pickle can run anything; this one is known by its checksum."""
    batch = pickle.loads(data, encoding="bytes")
    return batch[b"data"], np.array(batch[b"labels"])


SETS: dict[str, Idx | Cifar10] = {
    "mnist": Idx(
        Source(
            "mnist",
            ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
        ),
        train=(
            File(
                "train-images-idx3-ubyte.gz",
                9912422,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            File(
                "train-labels-idx1-ubyte.gz", 28881, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
        ),
        test=(
            File(
                "t10k-images-idx3-ubyte.gz", 1648877, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            File("t10k-labels-idx1-ubyte.gz", 4542, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
    ),
    "fashion_mnist": Idx(
        Source(
            "fashion_mnist",
            [
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ],
            ("dataset-fashion-mnist", "/usr/share/datasets/fashion-mnist"),
        ),
        train=(
            File(
                "train-images-idx3-ubyte.gz",
                26421880,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            File(
                "train-labels-idx1-ubyte.gz", 29515, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
            ),
        ),
        test=(
            File(
                "t10k-images-idx3-ubyte.gz", 4422102, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
            ),
            File("t10k-labels-idx1-ubyte.gz", 5148, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ),
    ),
    "cifar10": Cifar10(
        Source("cifar10", ["https://www.cs.toronto.edu/~kriz/"]),
        binary=File(
            "cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
        ),
        python=File(
            "cifar-10-python.tar.gz", 170498071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
        ),
    ),
}
