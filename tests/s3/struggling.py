"""A store that struggles: an HTTP proxy that refuses some requests as told, and hands on all others."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass
class Script:
    """What the proxy does: `refusals` are the answers to the next requests that hold `on` (status, code, headers).

    `seen`: these requests; `signed`: how each of them was signed.
    """

    upstream: str
    on: str = ""
    refusals: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)


@contextmanager
def struggling(upstream: str) -> Iterator[tuple[str, Script]]:
    """Start a proxy; gives its address and its script."""
    script = Script(upstream)
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    script: Script
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.script.on in self.path:
            self.script.seen.append(f"{self.command} {self.path}")
            self.script.signed.append(self.headers.get("Authorization", ""))
            if self.script.refusals:
                self._refuse(*self.script.refusals.pop(0))
                return
        upstream = http.client.HTTPConnection(urlsplit(self.script.upstream).netloc)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = answer.read()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        length = headers.get("Content-Length") or headers.get("content-length")
        self._send(answer.status, headers if length else {**headers, "Content-Length": str(len(content))}, content)
        upstream.close()

    def _refuse(self, status: int, code: str, headers: dict[str, str]) -> None:
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>told to</Message></Error>".encode()
        self._send(status, {**headers, "Content-Length": str(len(content))}, content)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - names of http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
