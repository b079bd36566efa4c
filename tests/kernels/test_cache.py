"""Kernels kept on disk: found again, never by halves, and missed by nobody where they cannot be kept."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

pytest.importorskip("numba")

from calligrad.kernels import cache, native
from calligrad.kernels.cache import compile_kernel

ADD = """
def add(thread, threads, args):
    args[0] += {}
"""
PROGRAM = f"""
import sys
import numpy as np
from calligrad.kernels.cache import compile_kernel
args = np.array([1])
compile_kernel({ADD!r}.format(sys.argv[1]), "add")(args)
print(args[0], "numba" in sys.modules)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache, of which this process knows nothing yet."""
    monkeypatch.setenv("CALLIGRAD_CACHE", str(tmp_path))
    forget(monkeypatch)
    return tmp_path / "kernels"


def forget(monkeypatch):
    monkeypatch.setattr(cache, "_kernels", {})
    cache._make_room.cache_clear()
    cache._warn.cache_clear()


def add(number):
    args = np.array([1])
    compile_kernel(ADD.format(number), "add")(args)
    return args[0]


def start(number, **settings):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(number)], stdout=subprocess.PIPE, text=True, **settings)


def said(process):
    output = process.communicate()[0]
    assert process.returncode == 0
    return output.split()


def test_a_kernel_is_compiled_once(folder):
    source = ADD.format(1)
    assert compile_kernel(source, "add") is compile_kernel(source, "add")
    assert len(list(folder.iterdir())) == 1


def test_the_next_process_needs_no_compiler(folder):
    assert add(2) == 3
    assert said(start(2)) == ["3", "False"]


def test_what_a_kernel_calls_is_within_it(folder):
    source = """
import math
from numba import njit

@njit
def inner(x):
    return math.floor(math.exp(x))

def outer(thread, threads, args):
    args[0] = inner(args[0])
"""
    args = np.array([2])
    compile_kernel(source, "outer")(args)
    assert args[0] == 7


def test_memory_from_the_runtime_of_numba(folder, monkeypatch):
    source = """
import numpy as np

def total(thread, threads, args):
    scratch = np.empty(args[0])
    scratch[:] = 2
    args[0] = int(scratch.sum())
"""
    for _ in range(2):  # compiled, and from disk
        args = np.array([5])
        compile_kernel(source, "total")(args)
        assert args[0] == 10
        forget(monkeypatch)


def test_a_function_that_is_imported(folder):
    assert compile_kernel("from calligrad.kernels.teamwork import walk", "walk").address


def test_an_error_shows_the_line(folder):
    from numba.core.errors import TypingError

    with pytest.raises(TypingError, match=r"args\[0\] = args.nothing"):
        compile_kernel("def wrong(thread, threads, args):\n    args[0] = args.nothing", "wrong")


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b[:99] + b"\0\1" + b[101:]])
def test_a_damaged_file_is_replaced(folder, monkeypatch, damage):
    add(3)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    forget(monkeypatch)
    assert add(3) == 4
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_is_named_once(tmp_path, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    monkeypatch.setenv("CALLIGRAD_CACHE", str(taken))
    forget(monkeypatch)
    with pytest.warns(UserWarning, match=rf"cannot be kept in {taken / 'kernels'}.*CALLIGRAD_CACHE"):
        assert add(4) == 5
    with warnings.catch_warnings(action="error"):
        assert add(5) == 6


def test_a_full_disk(folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert add(6) == 7
    assert list(folder.iterdir()) == []


def test_processes_that_compile_the_same(folder):
    processes = [start(7) for _ in range(3)]
    assert [said(process)[0] for process in processes] == ["8", "8", "8"]
    assert [file.suffix for file in folder.iterdir()] == [".kernel"]
    assert said(start(7)) == ["8", "False"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_kill_while_a_kernel_is_written(folder, monkeypatch):
    slow = PROGRAM.replace("args =", "import os, time; os.replace = lambda *paths: time.sleep(60); args =")
    process = subprocess.Popen([sys.executable, "-c", slow, "8"])
    while not list(folder.glob("*.part")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert add(8) == 9
    assert sorted(file.suffix for file in folder.iterdir()) == [".kernel", ".part"]
    (part,) = folder.glob("*.part")
    os.utime(part, (0, 0))
    forget(monkeypatch)
    add(9)
    assert not part.exists()  # another process would not clear it away before an hour has gone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_a_kernel_is_compiled(folder):
    thread = threading.Thread(target=lambda: [add(number) for number in range(20, 24)])
    thread.start()
    time.sleep(0.05)
    child = os.fork()
    if not child:
        os._exit(int(add(30) != 31))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()


def test_the_oldest_make_room(folder, monkeypatch):
    for number in (10, 11):
        add(number)
    first, second = sorted(folder.iterdir(), key=os.path.getmtime)
    os.utime(first, (0, 0))
    forget(monkeypatch)
    add(10)  # used now
    os.utime(second, (1, 1))
    monkeypatch.setattr(cache, "MOST", first.stat().st_size)
    add(12)
    assert first.exists()
    assert not second.exists()


def test_a_function_that_is_not_there_is_an_error():
    with pytest.raises(OSError, match="calls no_such_function"):
        native.load(b"", "kernel", ["no_such_function"])
