"""Processes that leave the end of a run to the process that started them, one that dies being replaced."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def processes(count: int) -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """What begins a call in one of so many processes.

    A terminal sends Ctrl-C, and a scheduler its SIGTERM, to all processes of a command: an idle worker that dies of it
    breaks the executor while the parent still tidies up. So SIGINT and SIGTERM are the parent's alone: workers ignore
    them from their first instruction on, and end when it ends, however it does. Processes are spawned, since fork is
    not safe once threads run.
    """
    pools = _Pools(count)
    try:
        with _waiting_signals():  # the executor's thread is started too, and is not to take them from this one
            pools.begin(os.getpid)
        yield pools.begin
    finally:
        pools.close()


class _Pools:
    """A pool of processes, and a new one whenever one of them has died, which breaks the whole pool."""

    def __init__(self, count: int) -> None:
        self._count, self._changing = count, threading.Lock()
        self._pools = [self._new()]

    def begin(self, call: Callable[[], object]) -> Future[object]:
        pool = self._pools[-1]
        try:
            return pool.submit(call)
        except BrokenExecutor:
            with self._changing:  # which no pool is asked for anything within: it may be calling us with its own lock
                if self._pools[-1] is pool:
                    self._pools.append(self._new())
            return self._pools[-1].submit(call)

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._count, mp_context=_Context(), initializer=_initialise)


class _Worker(SpawnProcess):
    def start(self) -> None:
        with _waiting_signals():
            super().start()

    def terminate(self) -> None:  # what an executor does to its workers when one has died
        self.kill()


class _Context(SpawnContext):
    Process = _Worker


@contextmanager
def _waiting_signals() -> Iterator[None]:
    """The signals come after the block; threads and processes that are started in it never get them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _initialise() -> None:
    for number in _SIGNALS:  # where they cannot be blocked
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Else workers of a parent that was killed wait for ever: they hold both ends of the pipes they wait on."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
