"""Where runs and blocks of samples are worked on: in processes or threads here, or on a cluster of Dask or Ray."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

from maxrl_est._arguments import one_of, whole, words
from maxrl_est.training._processes import processes


class _Engine(NamedTuple):
    begin: Callable[[Callable[[], Any]], Future[Any]]
    died: type[BaseException]  # what a call ends with when its worker has died
    cause: Callable[[BaseException], BaseException] = lambda error: error  # of an error, as the call raised it


@contextmanager
def workers(count: int | None = None, engine: str = "processes", address: str | None = None) -> Iterator[Executor]:
    """An executor for `maxrl_est.train` and `maxrl_est.monte_carlo`: the same bits on any, with any number of workers.

    Work that was not begun is cancelled at the end of the block, work that was is waited for: give it out in pieces of
    seconds. What is worked on when a worker dies is begun once more, on another; if that one dies too, it ends with a
    ``BrokenExecutor``. Processes here are spawned and leave Ctrl-C to this one, so a script needs its
    ``if __name__ == "__main__":``. Not for blocks of milliseconds, which take longer on their way than here.

    Parameters
    ----------
    count : the largest number of workers, at least 1; None: one a core
    engine : ``"processes"``, ``"threads"``, ``"dask"`` or ``"ray"``, of which the last two need the extra of their name
    address : of a cluster of Dask (``"tcp://host:8786"``) or Ray (``"auto"``, ``"ray://host:10001"``), which has its
        own workers, so that there is no count; its machines need this package. None: one that is started here and ends
        with the block

    Returns
    -------
    A context whose value is an executor as those of ``concurrent.futures``

    Raises
    ------
    TypeError, ValueError
        Where an argument is not so.
    ModuleNotFoundError
        Where the engine is not installed, with the extra that brings it.

    >>> import maxrl_est as mx
    >>> task = mx.tasks.ContextualBandit.of_labels([0], [1], classes=3)
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(1, 3))
    >>> with mx.training.workers(1) as executor:
    ...     result = mx.train(task, policy, "rloo", n=2, steps=2, executor=executor)
    """
    started = _ENGINES[one_of("engine", engine, _ENGINES)]
    if address is not None:
        if engine not in _CLUSTERS:
            raise ValueError(f"address must be None for engine {engine!r}, which works here, got {address!r}")
        if not isinstance(address, str):
            raise TypeError(f"address must be a str or None, got {words(address)}")
        if count is not None:
            raise ValueError(f"count must be None where an address is given, whose workers are used, got {count}")
        started = partial(_CLUSTERS[engine], address=address)
    count = whole("count", os.cpu_count() if count is None else count)
    try:
        with started(count) as running:
            executor = _Repeating(running)
            try:
                yield executor
            finally:
                executor.shutdown()
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed", "ray"):
            raise
        raise ModuleNotFoundError(
            f"engine {engine!r} needs {error.name}: pip install 'maxrl-est[{engine}]'", name=error.name
        ) from error


class _Repeating(Executor):
    """Calls that are begun elsewhere, and once more where what worked on them died."""

    def __init__(self, engine: _Engine) -> None:
        self._engine, self._open = engine, True

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._give(partial(function, *args, **kwargs), future, again=True)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._open = False

    def _give(self, call: Callable[[], Any], future: Future[Any], again: bool) -> None:
        inner = self._engine.begin(call)
        future.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)
        inner.add_done_callback(partial(self._take, call, future, again))

    def _take(self, call: Callable[[], Any], future: Future[Any], again: bool, inner: Future[Any]) -> None:
        if inner.cancelled():
            future.cancel()
            return
        error = inner.exception()
        died = isinstance(error, self._engine.died)
        if died and again and self._open and not future.cancelled():
            try:
                self._give(call, future, again=False)
                return
            except Exception as failure:  # in a callback nobody would hear of it, and all would wait for ever
                error, died = failure, isinstance(failure, self._engine.died)
        if not future.set_running_or_notify_cancel():
            return
        if error is None:
            future.set_result(inner.result())
        else:
            future.set_exception(BrokenExecutor(str(error)) if died else self._engine.cause(error))


@contextmanager
def _processes(count: int) -> Iterator[_Engine]:
    with processes(count) as begin:
        yield _Engine(begin, BrokenExecutor)


@contextmanager
def _threads(count: int) -> Iterator[_Engine]:
    with ThreadPoolExecutor(count) as executor:
        try:
            yield _Engine(executor.submit, BrokenExecutor)
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def _dask(count: int, address: str | None = None) -> Iterator[_Engine]:
    import dask
    from distributed import Client, LocalCluster
    from distributed.scheduler import KilledWorker

    local = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,  # a call is begun again here
                "distributed.deploy.lost-worker-timeout": "1h",  # or one that takes 15 s to start again is given up
            }
        ),
        nullcontext(address) if address is not None else LocalCluster(**local) as cluster,
        Client(cluster) as client,
    ):
        yield _Engine(client.get_executor(pure=False).submit, KilledWorker)


@contextmanager
def _ray(count: int, address: str | None = None) -> Iterator[_Engine]:
    import ray
    from ray.exceptions import RayTaskError, WorkerCrashedError

    def cause(error: BaseException) -> BaseException:
        found: BaseException = error.cause if isinstance(error, RayTaskError) else error
        return found

    remote = ray.remote(max_retries=0)(_called)
    started = not ray.is_initialized()
    if started:
        where = {"num_cpus": count, "include_dashboard": False} if address is None else {"address": address}
        ray.init(log_to_driver=False, logging_level="ERROR", **where)
    try:
        yield _Engine(lambda call: remote.remote(call).future(), WorkerCrashedError, cause)
    finally:
        if started:
            ray.shutdown()


def _called(call: Callable[[], Any]) -> Any:
    return call()


_CLUSTERS: Mapping[str, Callable[..., AbstractContextManager[_Engine]]] = {"dask": _dask, "ray": _ray}
_ENGINES = {"processes": _processes, "threads": _threads, **_CLUSTERS}
