"""A Jupyter kernel manager for kernels that are not trusted: it starts what it is told, and bounds what it hears.

The kernel's messages are made by student code: at most `output_bytes` of output are passed on for a whole
notebook (then one line says so), no message may be larger than MESSAGE_BYTES, and of one above READ_BYTES that is no text
only its head is parsed.
"""

import asyncio
import time
from collections.abc import Callable
from queue import Empty

import zmq
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

# Eight waiting messages of 32 MB: what one kernel can make the judge hold. A larger one closes the connection.
MESSAGE_BYTES = 32 * 2**20
MESSAGES_WAITING = 8
READ_BYTES = 4_000_000  # of JSON may become 80 MB of empty lists
MARKS = 20_000  # brackets and commas: with fewer it is text, and no more in memory
HEAD_BYTES = 100_000  # whose answer it is, and of which kind
PARTS = 8  # of a message that are kept; five say all
ERROR_BYTES = 20_000  # an error is shortened to this
ERROR_LINE = 200  # and to this when all has been printed that may be
MESSAGE = 50  # bytes that a message counts for beside what it says


class Output:
    """How much output a notebook may still make."""

    def __init__(self, most: int):
        self.most, self.left = most, most

    def passed(self, message: dict) -> dict | None:
        """The message, shortened if need be; None to drop it. Only output counts."""
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            return self._error(message)
        if kind not in ("stream", "display_data", "execute_result", "update_display_data"):
            return message
        if self.left <= 0:
            return None
        size = size_of(content) + MESSAGE if content else message["size"]
        self.left -= size
        if self.left > 0:
            return message
        said = f"\n[the rest is left out: a notebook may print {self.most:,} bytes]\n"
        if kind == "stream":
            kept = str(content.get("text", ""))[: self.left + size]
            message["content"] = {"name": content.get("name", "stdout"), "text": kept + said}
        else:
            message["msg_type"] = message["header"]["msg_type"] = "stream"
            message["content"] = {"name": "stdout", "text": said}
        self.left = 0
        return message

    def _error(self, message: dict) -> dict | None:
        """Errors are told even when there is no room left, as one line then; only who makes errors up has so many."""
        content = message["content"]
        most = ERROR_BYTES if self.left > 0 else ERROR_LINE
        name, text = (str(content.get(key, ""))[:most] for key in ("ename", "evalue"))
        trace = (
            "\n".join(map(str, content.get("traceback", [])))[-most:] if self.left > 0 else f"{name}: {text}"
        )
        message["content"] = {"ename": name, "evalue": text, "traceback": trace.split("\n")}
        self.left -= size_of(message["content"]) + MESSAGE
        return message if self.left > -self.most / 4 else None


def size_of(value) -> int:
    """Characters in a message's content, with a few for each item."""
    if isinstance(value, dict):
        return sum(size_of(key) + size_of(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(size_of, value))
    return len(value) + 2 if isinstance(value, str) else 8


class BoundedChannel(AsyncZMQSocketChannel):
    """Of a message that is too large the content is not read."""

    def next(self, seconds: float) -> dict:
        """As `get_msg`, without an event loop, which takes longer than reading. Raises Empty."""
        if not zmq.Socket.shadow(self.socket.underlying).poll(1000 * seconds):
            raise Empty
        return self._read()

    async def _recv(self, **how) -> dict:
        return self._read()

    def _read(self) -> dict:
        """The message, and its size in bytes. Raises what a message that is none makes its parsers raise."""
        socket = zmq.Socket.shadow(self.socket.underlying)
        parts, size, more = [], 0, True
        while more:  # all are there, or none is
            part = socket.recv(zmq.NOBLOCK, copy=False)
            size, more = size + len(part), part.more
            parts += [part] * (len(parts) < PARTS)
        _, parts = self.session.feed_identities(parts, copy=False)
        if sum(map(len, parts[:4])) > HEAD_BYTES:
            raise ValueError("The head of a message is too large.")
        whole = size <= READ_BYTES or sum(bytes(parts[4]).count(mark) for mark in b"[{,") < MARKS
        message = self.session.deserialize(parts[:5], content=whole, copy=False)
        return message | {"size": size} | ({} if whole else {"content": {}})


class OutputChannel(BoundedChannel):
    """The channel that output comes on."""

    output: Output | None = None

    def next(self, seconds: float) -> dict:
        end = time.monotonic() + seconds
        while True:
            message = super().next(max(0.0, end - time.monotonic()))
            if self.output is None or (message := self.output.passed(message)) is not None:
                return message
            if time.monotonic() > end:  # a flood must not keep the caller's time limit from ringing
                raise Empty

    async def get_msg(self, timeout: float | None = None) -> dict:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            message = await super().get_msg(timeout)
            if self.output is None or (message := self.output.passed(message)) is not None:
                return message
            await asyncio.sleep(0)  # a flood must not keep the caller's time limit from ringing
            if end is not None and (timeout := end - time.monotonic()) <= 0:
                raise Empty


def bounded_context() -> zmq.asyncio.Context:
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)
    context.setsockopt(zmq.RCVHWM, MESSAGES_WAITING)
    # milliseconds until the next try: we are there before the kernel is
    context.setsockopt(zmq.RECONNECT_IVL, 10)
    return context


class BoundedClient(AsyncKernelClient):
    shell_channel_class = Type(BoundedChannel)
    iopub_channel_class = Type(OutputChannel)

    def _context_default(self) -> zmq.asyncio.Context:
        self._created_context = True
        return bounded_context()

    @property
    def iopub_channel(self):
        channel = super().iopub_channel
        channel.output = self.parent.output
        return channel


class UntrustedKernel(AsyncKernelManager):
    """Starts `argv` and nothing else, in the environment given, whatever the notebook's kernelspec says.

    Args:
        argv: with "{connection_file}" in it.
        forked: called with argv; gives what stands for a Popen object, or None to have a new process started.
        started: called with the Popen object of the new process.
        stop: called when somebody asks for the kernel's end; ends it.
        popen: keyword arguments of Popen (env, cwd, stderr, ...); they win over the caller's.
    """

    def __init__(
        self,
        argv: list[str],
        output_bytes: int,
        forked: Callable,
        started: Callable,
        stop: Callable,
        popen: dict,
        **settings,
    ):
        super().__init__(client_factory=BoundedClient, **settings)
        # "message": a signal would reach bubblewrap, not the kernel.
        self._kernel_spec = KernelSpec(
            argv=argv, display_name="Python 3", language="python", interrupt_mode="message"
        )
        self.output = Output(output_bytes)
        self._forked, self._started, self._stop, self._popen = forked, started, stop, popen
        self._clients: list[BoundedClient] = []

    def _context_default(self) -> zmq.asyncio.Context:
        self._created_context = True
        return bounded_context()

    def client(self, **settings) -> BoundedClient:
        self._clients.append(super().client(**settings))
        return self._clients[-1]

    async def _async_pre_start_kernel(self, **kw):
        return await super()._async_pre_start_kernel(**{**kw, **self._popen})

    async def _async_launch_kernel(self, kernel_cmd, **kw):
        if (process := self._forked(kernel_cmd)) is not None:
            self.provisioner.process = process
        else:
            await super()._async_launch_kernel(kernel_cmd, **kw)
        self._started(self.provisioner.process)

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """At once: nothing in the kernel is worth waiting for, and a hostile one would make us wait."""
        self._stop()
        await super().shutdown_kernel(now=True, restart=restart)

    def close(self) -> None:
        """Let go of sockets and files, the clients' too. The process is somebody else's to end."""
        for client in self._clients:
            client.stop_channels()
            if not client.context.closed:
                client.context.destroy(linger=0)
        self.cleanup_connection_file()
        self.cleanup_ipc_files()
        self._close_control_socket()
        if self._created_context and not self.context.closed:
            self.context.destroy(linger=0)
