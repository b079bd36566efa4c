"""A nest of arrays and settings as one file, which is whole or is not there.

The file is an ``.npz``: NumPy reads its arrays without calligrad, by names such as ``model/layers.0.weight``. Beside
them ``state.json`` says what stands where, and ``sha256`` is the checksum of everything else. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from calligrad.value import Value

FORMAT = 1
STATE, CHECKSUM = "state.json", "sha256"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written, read, or used here."""


class DamagedCheckpoint(CheckpointError):
    """A checkpoint is not what was written."""


def save(path: Any, state: Any) -> None:
    """Write ``state`` to the file ``path``, as a whole or not at all; what was there before stays until then.

    ``state`` is a nest of dicts with strings as keys, lists and tuples, that holds arrays, numbers, strings, bools
    and None. Arrays of any dtype but objects are kept bit for bit.

    Raises ``TypeError`` for anything else, and ``CheckpointError`` where the file cannot be written, as on a full
    disk: then there is no half-written file, and an older one of this name is untouched.

    >>> import tempfile, os
    >>> import numpy as np
    >>> from calligrad import train
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "state.npz")
    ...     train.save(path, {"weights": [np.ones(2), np.zeros(1)], "epoch": 3})
    ...     train.load(path)
    {'weights': [array([1., 1.]), array([0.])], 'epoch': 3}
    """
    path = Path(path)
    arrays: dict[str, np.ndarray] = {}
    form = _form(state, "", arrays)
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with open(part, "wb") as file:
                _write(file, {"format": FORMAT, "state": form}, arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(f"{path} could not be written: {error.strerror or error}") from error


def load(path: Any) -> Any:
    """The state that was saved in the file ``path``.

    Raises ``DamagedCheckpoint`` if the file is not what ``save`` wrote, ``CheckpointError`` if a later version
    of calligrad wrote it, and ``FileNotFoundError`` if it is not there.
    """
    path = Path(path)
    try:
        form, arrays = _read(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile, json and NumPy make of bytes that are not as they were
        raise DamagedCheckpoint(f"{path} is damaged, or no checkpoint: {error}") from error
    if form["format"] != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint of format {form['format']}, and this calligrad reads format {FORMAT}"
        )
    return _state(form["state"], arrays)


# ---------------------------------------------------------------- the file


def _write(file: Any, form: Any, arrays: dict[str, np.ndarray]) -> None:
    digest = hashlib.sha256()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:

        def add(name: str, data: Any) -> None:
            archive.writestr(zipfile.ZipInfo(name), data)  # without the time: the same state is the same file
            _count(digest, name, data)

        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            add(f"{name}.npy", member.getbuffer())
        add(STATE, json.dumps(form).encode())
        archive.writestr(zipfile.ZipInfo(CHECKSUM), digest.hexdigest())


def _read(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    digest, arrays = hashlib.sha256(), {}
    with zipfile.ZipFile(path) as archive:
        *names, last = archive.namelist()
        if last != CHECKSUM or STATE not in names:
            raise ValueError("it was not written by calligrad.train.save")
        for name in names:
            data = archive.read(name)
            _count(digest, name, data)
            if name == STATE:
                form = json.loads(data)
            else:
                arrays[name[: -len(".npy")]] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        if archive.read(CHECKSUM).decode() != digest.hexdigest():
            raise ValueError("its checksum is wrong")
    return form, arrays


def _count(digest: Any, name: str, data: Any) -> None:
    digest.update(f"{name} {len(data)} ".encode())
    digest.update(data)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where a folder can be opened: not on Windows."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


# ---------------------------------------------------------------- the nest


def _form(nest: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """``nest`` in JSON, with a reference in the place of each array, which goes to ``arrays``."""
    if nest is None or type(nest) in (bool, int, float, str):
        return nest
    if isinstance(nest, dict):
        for key in nest:
            if not isinstance(key, str):
                raise TypeError(f"{path or 'the state'} has the key {key!r}; only strings can be saved as keys")
        return {"dict": {key: _form(part, f"{path}/{key}" if path else key, arrays) for key, part in nest.items()}}
    if isinstance(nest, (list, tuple)):
        kind = "tuple" if isinstance(nest, tuple) else "list"
        return {kind: [_form(part, f"{path}/{i}" if path else str(i), arrays) for i, part in enumerate(nest)]}
    if isinstance(nest, (np.ndarray, np.generic, Value)):
        array = np.asarray(nest.data if isinstance(nest, Value) else nest)
        if array.dtype.hasobject:
            raise TypeError(f"{path} is an array of objects, which cannot be saved")
        name = path or "state"
        while name in arrays:
            name += "'"
        arrays[name] = array
        return {"array": name}
    raise TypeError(f"{path or 'the state'} is a {type(nest).__name__}; a checkpoint holds arrays, numbers and strings")


def _state(form: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What ``_form`` was made from."""
    if not isinstance(form, dict):
        return form
    [(kind, parts)] = form.items()
    if kind == "array":
        return arrays[parts]
    if kind == "dict":
        return {key: _state(part, arrays) for key, part in parts.items()}
    return (tuple if kind == "tuple" else list)(_state(part, arrays) for part in parts)
