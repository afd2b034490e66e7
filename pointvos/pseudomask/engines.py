"""Running a function of videos in this process, in several processes, or on a Ray cluster.

The results are the same whatever runs: each worker builds what it needs once, with the same number
of threads, and what it makes of a video depends on nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import cv2
import torch

from pointvos.core.errors import InputError
from pointvos.core.run_facts import peak_memory_mb
from pointvos.pseudomask.annotated_videos import AnnotatedVideo
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.builders import MaskBackendSettings, build_backend
from pointvos.pseudomask.make_masks import MadeVideo, make_masks
from pointvos.pseudomask.mask_rule import MaskRule

Engine = Literal["local", "ray"]
Item = TypeVar("Item")
Made = TypeVar("Made")
Taken = TypeVar("Taken", contravariant=True)
Given = TypeVar("Given", covariant=True)
# Makes items, in any order.
Runner: TypeAlias = Callable[[Iterable[Item]], Iterator[Made]]


class Maker(Protocol[Taken, Given]):
    """What a worker is. It is sent to other processes before `check` is called there."""

    def check(self) -> None:
        """Build what is needed, for its errors."""

    def make(self, item: Taken, /) -> Given:
        """Make one item; builds what is needed if that is not there yet."""


class Result(NamedTuple):
    """A video that has been made, and the peak memory in MB of the process that made it."""

    made: MadeVideo
    peak_memory_mb: float


VideoRunner: TypeAlias = Runner[AnnotatedVideo, Result]


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Where videos are made.

    Attributes:
        engine: `local` for processes of this machine, `ray` for actors of a Ray cluster.
        workers: processes or actors; 1 with `local` is this process.
        threads: of each, for torch and OpenCV.

    Raises:
        InputError: a value cannot be meant.
    """

    engine: Engine = "local"
    workers: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("workers", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected at least 1, found {getattr(self, name)}")


class VideoMaker:
    """What a worker is: a backend that is built when it is first needed, and a rule."""

    def __init__(self, backend: MaskBackendSettings, rule: MaskRule, threads: int) -> None:
        """Remember the settings; nothing is loaded."""
        self.settings = backend
        self.rule = rule
        self.threads = threads
        self._backend: MaskBackend | None = None

    def ready(self) -> MaskBackend:
        """Build the backend if it is not there yet.

        Raises:
            FileNotFoundError: its weights are not there.
            InputError: its weights or a setting do not fit.
        """
        if self._backend is None:
            torch.set_num_threads(self.threads)
            cv2.setNumThreads(self.threads)
            self._backend = build_backend(self.settings)
        return self._backend

    def check(self) -> None:
        """Build the backend, for its errors."""
        self.ready()

    def make(self, video: AnnotatedVideo) -> Result:
        """Make one video."""
        return Result(make_masks(video, self.ready(), self.rule), peak_memory_mb())


@contextmanager
def running(
    settings: EngineSettings, backend: MaskBackendSettings, rule: MaskRule
) -> Iterator[VideoRunner]:
    """Start workers that make pseudo-masks; see `working`.

    Raises:
        FileNotFoundError: weights are not there; the message says how to get them.
        InputError: weights or a setting do not fit; ray is not installed.
    """
    maker = VideoMaker(backend, rule, settings.threads)
    gpus = 1 if backend.device.startswith("cuda") else 0
    with working(settings, maker, gpus=gpus) as runner:
        yield runner


@contextmanager
def working(
    settings: EngineSettings, maker: Maker[Item, Made], *, gpus: int = 0
) -> Iterator[Runner[Item, Made]]:
    """Start workers, see that they have what they need, and stop them in the end.

    Args:
        settings: where.
        maker: what each of them is.
        gpus: that each takes of a Ray cluster.

    Raises:
        Exception: what `maker.check` raises; InputError if ray is not installed.
    """
    if settings.engine == "ray":
        with _ray_actors(maker, settings, gpus) as runner:
            yield runner
    elif settings.workers == 1:
        maker.check()
        yield lambda items: map(maker.make, items)
    else:
        with _processes(maker, settings.workers) as runner:
            yield runner


_of_this_process: Maker[Any, Any] | None = None


def _start_process(maker: Maker[Any, Any]) -> None:
    global _of_this_process
    _of_this_process = maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its workers, which would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _check_in_process() -> None:
    assert _of_this_process is not None
    _of_this_process.check()


def _make_in_process(item: Any) -> Any:
    assert _of_this_process is not None
    return _of_this_process.make(item)


@contextmanager
def _processes(maker: Maker[Item, Made], workers: int) -> Iterator[Runner[Item, Made]]:
    # Spawned, because a fork of a process in which torch has started threads may hang.
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(maker,),
    )

    def run(items: Iterable[Item]) -> Iterator[Made]:
        waiting: set[Future[Made]] = set()
        for item in items:
            waiting.add(pool.submit(_make_in_process, item))
            if len(waiting) >= 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)

    try:
        pool.submit(_check_in_process).result()
        yield run
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process ended without an answer, as when memory runs out; what was committed "
            "stays, the same command goes on from there"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _ray_actors(
    maker: Maker[Item, Made], settings: EngineSettings, gpus: int
) -> Iterator[Runner[Item, Made]]:
    try:
        import ray
        from ray.exceptions import RayTaskError
        from ray.util import ActorPool
    except ImportError as error:
        raise InputError(
            "engine: expected the package ray for --engine ray, found none; run: pip install "
            "'pointvos[ray]'"
        ) from error
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, logging_level="WARNING", **_cluster(settings))
    remote: Any = ray.remote(num_cpus=settings.threads, num_gpus=gpus)(_Actor)
    try:
        actors = [remote.remote(maker) for _ in range(settings.workers)]
        ray.get([actor.check.remote() for actor in actors])
        pool = ActorPool(actors)
        yield lambda items: pool.map_unordered(_submit, items)
    except RayTaskError as error:
        raise error.cause from error
    finally:
        if started_here:
            ray.shutdown()


def _cluster(settings: EngineSettings) -> dict[str, Any]:
    """Which cluster: the one that RAY_ADDRESS names, or else one of this machine alone.

    Such a one has room for all workers, as there would be processes. An actor that no node has room
    for would be waited for without end.
    """
    if os.environ.get("RAY_ADDRESS"):
        return {}
    processors = max(os.cpu_count() or 1, settings.workers * settings.threads)
    return {"address": "local", "num_cpus": processors, "include_dashboard": False}


class _Actor:
    def __init__(self, maker: Maker[Any, Any]) -> None:
        self._maker = maker

    def check(self) -> None:
        self._maker.check()

    def make(self, item: Any) -> Any:
        return self._maker.make(item)


def _submit(actor: Any, item: Any) -> Any:
    return actor.make.remote(item)
