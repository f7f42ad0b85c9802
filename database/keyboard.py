"""Ctrl-C stops a statement, also while the main thread is deep inside DuckDB.

Python runs a signal's handler only when its main thread gets back to Python, which may be after the
query. So while a statement runs, the signal also wakes a thread of ours, which interrupts DuckDB.
"""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import duckdb

from augursql.database.watch import Watch
from augursql.errors import AugurError


class Keyboard:
    """Listens for Ctrl-C on behalf of one session."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        self._pressed = False
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the block runs, Ctrl-C cancels the statement; then KeyboardInterrupt is raised.

        Signals reach the main thread only; in other threads the block just runs.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        ear = self._ear()
        self._pressed = False
        handler = signal.signal(signal.SIGINT, self._handle)
        wakeup = signal.set_wakeup_fd(ear.fileno(), warn_on_full_buffer=False)
        try:
            yield
        except (AugurError, duckdb.Error):
            if self._pressed:
                raise KeyboardInterrupt from None
            raise
        finally:
            signal.set_wakeup_fd(wakeup)
            signal.signal(signal.SIGINT, handler)
        if self._pressed:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Ends the listening thread."""
        if self._sockets is not None:
            for end in self._sockets:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._sockets = None
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()  # it holds the connection, which DuckDB wants gone at exit
            self._thread = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self._pressed = True
        self._watch.cancel()
        with suppress(duckdb.ConnectionException):  # it may be closed by now
            self._connection.interrupt()

    def _ear(self) -> socket.socket:
        """The socket that signals write to; its other end is read by a thread."""
        if self._sockets is None:
            written, read = socket.socketpair()
            written.setblocking(False)
            self._sockets = written, read
            self._thread = threading.Thread(target=self._listen, args=(read,), daemon=True)
            self._thread.start()
        return self._sockets[0]

    def _listen(self, read: socket.socket) -> None:
        while True:
            try:
                heard = read.recv(64)
            except OSError:
                return
            if not heard:
                return
            if signal.SIGINT in heard:
                self._stop()
