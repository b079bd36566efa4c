"""Workers that make batches ahead, on threads or in processes, and hand them over in order."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from calligrad.data import shared
from calligrad.dtypes import default_dtype, set_default_dtype

Make = Callable[[int], Any]

MOST_ASKED = 64  # of one worker at once: the questions must fit into its pipe, or each would wait for the other


def threads(make: Make, todo: range, count: int, prefetch: int) -> Iterator[Any]:
    """``make(number)`` for the numbers of ``todo``, in order, with up to ``count * prefetch`` of them made ahead."""
    ahead: deque[Future] = deque()
    pool = ThreadPoolExecutor(count, "calligrad-loader")
    try:
        for number in todo:
            ahead.append(pool.submit(make, number))
            if len(ahead) > count * prefetch:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def processes(make: Any, todo: range, count: int, prefetch: int, kept: list[Pool]) -> Iterator[Any]:
    """As ``threads``, in processes. Those that come through to the end stay in ``kept``, for the next epoch.

    ``make`` has a ``dataset`` and a ``collate``, and may have other ones in the next epoch: then so have the processes.
    """
    ahead = count * min(prefetch, MOST_ASKED)
    parcel = _parcel((make.dataset, make.collate))
    pool = kept.pop() if kept else None
    if pool is None or len(pool.workers) < count or not pool.holds(*parcel):
        if pool is not None:
            pool.close()
        pool = Pool(*parcel, count)
    finished = False
    try:
        pool.begin(make)
        for number in todo[:ahead]:
            pool.ask(number)
        for number in todo:
            batch = pool.answer(number)
            if number + ahead in todo:
                pool.ask(number + ahead)
            yield batch
        finished = True
    finally:
        if finished and not kept:
            kept.append(pool)
        else:
            pool.close()


def close(kept: list[Pool]) -> None:
    """End the processes that were kept."""
    while kept:
        kept.pop().close()


def _parcel(x: Any) -> tuple[bytes, list[memoryview]]:
    try:
        return shared.pickled(x)
    except Exception as error:
        raise pickle.PicklingError(
            f"the dataset goes to the worker processes by pickle, with its transforms and collate: {error}. Define "
            'their functions and classes at the top of a module, without lambda, or take worker_kind="threads"'
        ) from error


class Pool:
    """Processes that answer ``make(number)``: number ``n`` is asked of worker ``n % count``, so answers come in order.

    Large arrays, of the dataset and of the batches, lie in shared memory. All of it belongs to this process, so that a
    worker that is killed leaves nothing behind. A block for a batch is used again when its batch has been taken out.
    """

    def __init__(self, data: bytes, buffers: list[memoryview], count: int) -> None:
        self.data, self.sizes = data, [buffer.nbytes for buffer in buffers]
        self.workers: list[tuple[Any, connection.Connection]] = []
        self.room = 0  # bytes: as much as the arrays of a batch have been seen to take
        self.given: SharedMemory | None = None  # the arrays of the dataset
        self.copies: list[bytearray] = []  # or these, if they are small
        self.free: list[SharedMemory] = []
        self.busy: dict[int, SharedMemory] = {}  # by the number of the batch they are for
        context: Any = multiprocessing.get_context(_start_method())
        if context.get_start_method() == "forkserver":
            context.set_forkserver_preload(["calligrad.data"])
        resource_tracker.ensure_running()  # one for all: a worker that finds none would start its own
        try:
            work = self._share(buffers)
            for i in range(count):
                here, there = context.Pipe()
                worker = context.Process(target=_work, args=(there, *work), name=f"loader worker {i}", daemon=True)
                worker.start()
                self.workers.append((worker, here))
                there.close()
        except BaseException:
            self.close()
            raise

    def _share(self, buffers: list[memoryview]) -> tuple[bytes, list[int], str | list[bytearray]]:
        """The dataset as bytes, the sizes of its arrays, and the name of the block they lie in, or else themselves."""
        if shared.total(self.sizes) >= shared.LARGE:
            self.given = shared.create(shared.total(self.sizes))
        if self.given is None:
            self.copies = [bytearray(buffer) for buffer in buffers]
            return self.data, self.sizes, self.copies
        shared.write(self.given, buffers)
        return self.data, self.sizes, self.given.name

    def holds(self, data: bytes, buffers: list[memoryview]) -> bool:
        """Whether the processes live and have this dataset, and not what it was before it was changed."""
        if any(worker.exitcode is not None for worker, _ in self.workers):
            return False
        if data != self.data or [buffer.nbytes for buffer in buffers] != self.sizes:
            return False
        theirs = self.copies if self.given is None else shared.parts(self.given, self.sizes)
        return all(
            np.array_equal(np.frombuffer(a, np.uint8), np.frombuffer(b, np.uint8)) for a, b in zip(theirs, buffers)
        )

    def begin(self, make: Any) -> None:
        """Tell the workers of another epoch; none of them may be at work."""
        for _, pipe in self.workers:
            with suppress(OSError):  # if one is dead, answer() tells
                pipe.send((make.of_epoch(), default_dtype()))

    def ask(self, number: int) -> None:
        """Let a worker make batch ``number``."""
        block = self._block() if self.room else None
        if block is not None:
            self.busy[number] = block
        _, pipe = self.workers[number % len(self.workers)]
        with suppress(OSError):  # if it is dead, answer() tells
            pipe.send((number, block.name if block else None))

    def _block(self) -> SharedMemory | None:
        while self.free:
            block = self.free.pop()
            if block.size >= self.room:
                return block
            shared.discard(block)
        new = shared.create(self.room)
        if new is not None:
            shared.parts(new, [new.size])[0][:] = bytes(new.size)  # now, as memory that is promised is not yet there
        return new

    def answer(self, number: int) -> Any:
        """Batch ``number``, which is waited for. An error of the worker's is raised here."""
        worker, pipe = self.workers[number % len(self.workers)]
        connection.wait([pipe, worker.sentinel])
        try:
            if not pipe.poll():
                raise EOFError
            error, data, sizes, buffers = pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError(_obituary(worker, number)) from None
        if error is not None:
            error.add_note(f"in {worker.name}, process {worker.pid}:\n{data}")
            raise error
        block = self.busy.pop(number, None)
        if block is not None and buffers is None:
            buffers = [bytearray(part) for part in shared.parts(block, sizes)]
        if block is not None:
            self.free.append(block)
        if shared.total(sizes) >= shared.LARGE:
            self.room = max(self.room, 1 << (shared.total(sizes) - 1).bit_length())
        return pickle.loads(data, buffers=buffers)

    def close(self) -> None:
        """End the workers, wherever they are, and give back all memory."""
        for worker, pipe in self.workers:
            worker.terminate()
            pipe.close()
        for worker, _ in self.workers:
            worker.join(timeout=5)
            if worker.exitcode is None:
                worker.kill()
                worker.join()
            worker.close()
        for block in filter(None, [self.given, *self.free, *self.busy.values()]):
            shared.discard(block)
        self.workers, self.given, self.free, self.busy = [], None, [], {}


def _start_method() -> str:
    """Never "fork", which copies a process with threads in whatever state these are."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    default = "forkserver" if sys.platform == "linux" else "spawn"
    return chosen if chosen in ("forkserver", "spawn") else default


def _obituary(worker: Any, number: int) -> str:
    worker.join(timeout=5)
    code = worker.exitcode
    if code is not None and code < 0:
        how = f"was killed by {signal.Signals(-code).name}: is there enough memory?"
    elif code == 1:
        how = 'ended: a script that starts processes keeps its work under `if __name__ == "__main__":`'
    else:
        how = f"ended with exit code {code}"
    return f"{worker.name}, process {worker.pid}, which was to make batch {number}, {how}"


# ---------------------------------------------------------------- in the worker


def _work(pipe: connection.Connection, data: bytes, sizes: list[int], arrays: str | list[bytearray]) -> None:
    """Answer until this process is ended, or the one that asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other one, which ends this one
    blocks: dict[str, SharedMemory] = {}
    make: Make | Exception = RuntimeError("no epoch has begun")
    try:
        inline = [memoryview(array) for array in arrays] if isinstance(arrays, list) else []
        given = shared.parts(_attached(arrays, blocks), sizes) if isinstance(arrays, str) else inline
        dataset = pickle.loads(data, buffers=[part.toreadonly() for part in given])
    except Exception as error:
        error.add_note("the dataset could not be unpickled: its classes must be importable, from a module")
        dataset = error
    parent = multiprocessing.parent_process()
    while pipe in connection.wait([pipe, parent.sentinel]):  # type: ignore[union-attr]
        try:
            what, where = pipe.recv()
            if isinstance(what, int):
                pipe.send(_answer(make, what, _attached(where, blocks) if where else None))
            else:
                set_default_dtype(where)
                make = dataset if isinstance(dataset, Exception) else what(*dataset)
        except (EOFError, OSError):
            break
    os._exit(0)


def _attached(name: str, blocks: dict[str, SharedMemory]) -> SharedMemory:
    if name not in blocks:
        blocks[name] = SharedMemory(name)
    return blocks[name]


def _answer(make: Make | Exception, number: int, block: SharedMemory | None) -> tuple:
    """(error, its traceback, …) or (None, the batch as bytes, its arrays' sizes, and these if outside ``block``)."""
    try:
        if isinstance(make, Exception):
            raise make
        data, buffers = shared.pickled(make(number))
    except Exception as error:
        text = "".join(traceback.format_exception(error)).rstrip()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return error, text, [], None
    sizes = [buffer.nbytes for buffer in buffers]
    if block is not None and shared.total(sizes) <= block.size:
        shared.write(block, buffers)
        return None, data, sizes, None
    return None, data, sizes, [bytearray(buffer) for buffer in buffers]
