"""A way to a real server that can be cut, can lose its voice, or can stand still."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """Passes connections on to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.mute = False
        self._open = threading.Event()
        self._open.set()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Break every connection there is; new ones are let through."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def hold(self) -> None:
        """Pass nothing on any more, and break nothing: both sides believe in the connection."""
        self._open.clear()

    def release(self) -> None:
        """Pass on what was held, and what comes."""
        self._open.set()

    def close(self) -> None:
        """Break everything and listen no more."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [client, server]
                self.connections += 1
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source:
            while data := source.recv(65536):
                self._open.wait()
                target.sendall(data)

    def _back(self, source: socket.socket, target: socket.socket) -> None:
        """Pass answers back, or swallow them while it is mute."""
        with contextlib.suppress(OSError), source:
            while data := source.recv(65536):
                self._open.wait()
                if not self.mute:
                    target.sendall(data)
