"""Gateways that can be killed and started again, and a way to them that breaks."""

import json
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "ContractTests" / "Contract"))

from gateways import Gateway, die_with_parent  # noqa: E402


def prepare():
    """In the child: a file that may not grow is an error of its writer, not the end of it."""
    die_with_parent()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class GatewayProcess(Gateway):
    """A gateway on ports of its own choice, which it keeps when it is started again."""

    def __init__(self, products, *arguments):
        self.directory = tempfile.TemporaryDirectory()
        self.command = [Path(products) / "lrp2p-gateway", *arguments]
        self.command += ["--key-file", self.path("key")]
        self.http = self.own_udp = "127.0.0.1:0"
        self.start()

    def path(self, name):
        return Path(self.directory.name) / name

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--http", self.http, "--udp", self.own_udp],
                stdout=subprocess.PIPE,
                stderr=log,
                preexec_fn=prepare,
            )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.path("log").read_text(encoding="utf-8", errors="replace"))
        ready = json.loads(line)
        self.http, self.own_udp = ready["http"], ready["udp"]
        super().__init__(f"http://{self.http}", ready["udp"], ready["peer_id"])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def limit_files(self, size):
        """No file of its can grow beyond `size` bytes, as if the disk were full; None: no limit."""
        _, most = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        limit = most if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, most))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.directory.cleanup()


class BreakingProxy:
    """Passes TCP connections on, until `limit` bytes have gone one way; then breaks them once."""

    def __init__(self, target, limit):
        self.target, self.left = target, limit
        self.connections, self.lock = set(), threading.Lock()
        self.broken = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            with self.lock:
                self.connections |= {client, server}
            for source, sink, counts in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.copy, args=(source, sink, counts), daemon=True).start()

    def copy(self, source, sink, counts):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if counts:
                    self.count(len(data))
        except OSError:
            pass
        for end in (source, sink):
            self.shut(end)

    def count(self, size):
        with self.lock:
            self.left -= size
            if self.left > 0 or self.broken.is_set():
                return
            self.broken.set()
            broken = self.connections
            self.connections = set()
        for connection in broken:
            self.shut(connection)

    @staticmethod
    def shut(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shut(self.listener)
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                self.shut(connection)
