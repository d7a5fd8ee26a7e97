"""The password of the database is not sent in clear to whoever listens on its port."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import pytest

from alexandria_pipeline.domain.errors import DatabaseUnavailable
from alexandria_pipeline.storage.database import Database

PASSWORD = "geheim-4711"
CLEARTEXT_REQUEST = b"R" + struct.pack("!ii", 8, 3)
PASSWORD_MESSAGE = b"p"
REFUSE_TLS = b"N"


def _serve(listener: socket.socket, received: list[bytes]) -> None:
    """A server that refuses TLS and asks for the password in clear."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                while (data := connection.recv(65536)) and not data.startswith(PASSWORD_MESSAGE):
                    received.append(data)
                    is_tls_request = len(data) == 8
                    connection.sendall(REFUSE_TLS if is_tls_request else CLEARTEXT_REQUEST)
                received.append(data)


def test_a_foreign_listener_does_not_get_the_password() -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, received), daemon=True)
        thread.start()
        url = f"postgresql://alexandria:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/alexandria"
        with Database(url) as database, pytest.raises(DatabaseUnavailable), database.transaction():
            pass
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert received
    assert not any(PASSWORD.encode() in data for data in received)
