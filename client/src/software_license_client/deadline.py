"""An adapter of requests whose open connections can be cut from another thread."""

import contextlib
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager


class AbortableAdapter(HTTPAdapter):
    """One call's adapter: no retries, and `abort` ends a call that goes on forever.

    A time-out of requests begins anew with each byte, so that it never comes if
    a server drips them.
    """

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []
        self._is_aborted = False
        super().__init__(max_retries=0)

    def abort(self) -> None:
        """Cut the connections; the thread that reads from one gets an error."""
        self._is_aborted = True
        for connection in self._connections:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        self._watch(manager)
        return manager

    def _note(self, connection: HTTPConnection) -> None:
        self._connections.append(connection)
        if self._is_aborted:  # the look-up of the name took longer than the call may
            raise ConnectionAbortedError

    def _watch(self, manager: PoolManager) -> None:
        note = self._note

        class Plain(HTTPConnection):
            def connect(self) -> None:
                note(self)
                super().connect()

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                note(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
