"""Worker processes that leave the end of a run to the process that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess

from maxrl_est._arguments import whole

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """An executor of processes, for runs that can be interrupted and killed.

    A terminal sends Ctrl-C, and a scheduler its SIGTERM, to all processes of a command: an idle worker that dies of it
    breaks the executor while the parent still tidies up. So SIGINT and SIGTERM are the parent's alone: workers ignore
    them from their first instruction on, and end when it ends, however it does. Work that was not begun is cancelled
    at the end of the block, work that was is waited for: give it out in pieces of seconds. Processes are spawned, since
    fork is not safe once threads run; a script therefore needs its ``if __name__ == "__main__":``.

    Parameters
    ----------
    count : the largest number of processes, at least 1

    Raises
    ------
    TypeError, ValueError
        For a count that is none.

    >>> import maxrl_est as mx
    >>> task = mx.tasks.ContextualBandit.of_labels([0], [1], classes=3)
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(1, 3))
    >>> with mx.training.workers(1) as executor:
    ...     result = mx.train(task, policy, "rloo", n=2, steps=2, executor=executor)
    """
    count = whole("count", count)
    with ProcessPoolExecutor(count, mp_context=_Context(), initializer=_initialise) as executor:
        try:
            with _waiting_signals():  # the executor's thread is started too, and is not to take them from this one
                executor.submit(os.getpid)
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)


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
