"""Ctrl-C and SIGTERM as a request: the first lets a run save what it has, the second ends it."""

import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType

from rgm_bench.execution.budget import StopReason

REASONS: Mapping[int, StopReason] = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextmanager
def first_signal(stop: Callable[[StopReason], None]) -> Generator[None]:
    """Inside the block the first of these signals calls `stop`, and the next acts as outside of it.

    One that is ignored outside stays so. In another thread than the main one, where Python sets no
    handlers, the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outside = {number: signal.getsignal(number) or signal.SIG_DFL for number in REASONS}

    def restore() -> None:
        for number, handler in outside.items():
            signal.signal(number, handler)

    def ask(number: int, frame: FrameType | None) -> None:
        restore()
        stop(REASONS[number])

    try:
        for number, handler in outside.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, ask)
        yield
    finally:
        restore()
