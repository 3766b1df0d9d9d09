"""How a worker speaks: messages on a private pipe, and what Python code prints as events among them."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, Any

from framework.core.events import Event
from framework.observe.redact import Redactor
from framework.supervise.messages import Happened, Ready, encode, to_line

if TYPE_CHECKING:
    from framework.supervise.messages import Message


class Channel:
    """The pipe to the supervisor. A broken pipe means nobody is left to work for: the process ends."""

    def __init__(self, handle: int) -> None:
        os.set_inheritable(handle, False)
        self._handle = handle
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def send(self, message: Message) -> None:
        """Say something. Secrets are masked, except in `Ready`, which carries them to the supervisor's own mask."""
        document = encode(message)
        self.write(document if isinstance(message, Ready) else self.redactor.data(document))

    def write(self, document: dict[str, Any]) -> None:
        """Write one line, whole."""
        line = memoryview(to_line(document))
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._handle, line) :]
            except BrokenPipeError:
                os._exit(1)


class Printed(io.TextIOBase):
    """What Python code prints, on either stream, line by line, as events in the order of all others."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rest = ""

    def write(self, text: str) -> int:
        """Send the lines that are complete."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._channel.send(Happened(Event("output", line)))
        return len(text)

    def close(self) -> None:
        """Send what is left without a newline."""
        if self._rest:
            self.write("\n")
