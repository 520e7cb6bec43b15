"""A server on this machine that misbehaves as a test tells it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A server: `pages` answers by path, `asked` the path and Range of every request so far, in order."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str | None]] = []


def whole(content: bytes, length: int | None = None) -> Page:
    """Sends all of it and knows no Range; `length` is what it claims."""
    return lambda request: _send(request, 200, content, {"Content-Length": str(length or len(content))})


def ranged(content: bytes) -> Page:
    """Sends what is asked for, as a good server does."""

    def page(request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if start >= len(content):
            _send(request, 416, b"", {"Content-Length": "0", "Content-Range": f"bytes */{len(content)}"})
            return
        headers = {"Content-Length": str(len(content) - start)}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        _send(request, 206 if asked else 200, content[start:], headers)

    return page


def piecewise(content: bytes, size: int) -> Page:
    """Sends no more than `size` bytes at a time of what is asked for by Range."""

    def page(request: BaseHTTPRequestHandler) -> None:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        piece = content[start : start + size]
        span = f"bytes {start}-{start + len(piece) - 1}/{len(content)}"
        _send(request, 206, piece, {"Content-Length": str(len(piece)), "Content-Range": span})

    return page


def cut(page: Page, after: int) -> Page:
    """The first `after` bytes of the body that `page` sends, then the line goes dead."""
    return _altered(page, lambda body: body[:after])


def corrupted(page: Page) -> Page:
    """As `page`, with one bit of the body flipped."""
    return _altered(page, lambda body: bytes([body[0] ^ 1]) + body[1:])


def stalling(page: Page, after: int) -> Page:
    """The first `after` bytes of what `page` sends, then nothing for some seconds."""

    def stalled(request: BaseHTTPRequestHandler) -> None:
        cut(page, after)(request)
        time.sleep(5)

    return stalled


def slowly(content: bytes, after: int, event: threading.Event) -> Page:
    """The first `after` bytes, and the rest when `event` is set."""

    def page(request: BaseHTTPRequestHandler) -> None:
        _send(request, 200, content[:after], {"Content-Length": str(len(content))})
        event.wait(60)
        request.wfile.write(content[after:])

    return page


def dripping(content: bytes, pause: float) -> Page:
    """One byte, a pause of that many seconds, one byte."""

    def page(request: BaseHTTPRequestHandler) -> None:
        _send(request, 200, b"", {"Content-Length": str(len(content))})
        for byte in content:
            request.wfile.write(bytes([byte]))
            time.sleep(pause)

    return page


def status(code: int) -> Page:
    return lambda request: _send(request, code, b"sorry", {"Content-Length": "5"})


def web_page(content: bytes) -> Page:
    """As a host that wants a click first."""
    return lambda request: _send(request, 200, content, {"Content-Type": "text/html; charset=utf-8"})


def redirect(url: str) -> Page:
    return lambda request: _send(request, 302, b"", {"Location": url, "Content-Length": "0"})


def unbounded(content: bytes) -> Page:
    """Sends all of it without saying how long it is."""
    return lambda request: _send(request, 200, content, {})


def misplaced(content: bytes) -> Page:
    """Answers every Range with the first bytes, and says so; without one, with the whole."""

    def page(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Range"):
            _send(request, 206, content[:5], {"Content-Length": "5", "Content-Range": f"bytes 0-4/{len(content)}"})
        else:
            whole(content)(request)

    return page


def in_turn(*pages: Page) -> Page:
    """The first page to the first request, and so on; the last to all others."""
    left = list(pages)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def _send(request: BaseHTTPRequestHandler, code: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(code)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    request.wfile.flush()


def _altered(page: Page, alter: Callable[[bytes], bytes]) -> Page:
    def altered(request: BaseHTTPRequestHandler) -> None:
        file, request.wfile = request.wfile, _Body(request.wfile, alter)  # type: ignore[assignment]
        try:
            page(request)
        finally:
            request.wfile = file

    return altered


class _Body:
    """Passes the head on and alters the body."""

    def __init__(self, file, alter) -> None:
        self.file, self.alter, self.head = file, alter, True

    def write(self, content: bytes) -> None:
        self.file.write(content if self.head else self.alter(content))
        self.head = False

    def flush(self) -> None:
        self.file.flush()


@contextmanager
def serving() -> Iterator[Site]:
    """A site as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Range")))
            made.pages.get(self.path, status(404))(self)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # the client hung up, as it should on some of these pages

    with Server(("127.0.0.1", 0), Handler) as server:
        made = Site(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()
