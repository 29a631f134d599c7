"""A server of the standard library, running in a thread of its own while a test uses it."""

import threading
from contextlib import contextmanager


@contextmanager
def in_background(server, context=None):
    """Serve, over TLS where there is a `context`, until the block ends; then close."""
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
