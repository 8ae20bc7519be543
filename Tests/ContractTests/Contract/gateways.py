"""Two gateways on loopback, for as long as the checks need them."""

import contextlib
import ctypes
import json
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In the child: a check that is killed must not leave gateways behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Gateway:
    """A running gateway: `base` is its URL, `udp` where peers reach it, `peer` its peer id."""

    def __init__(self, base, udp, peer):
        self.base, self.udp, self.peer = base, udp, peer

    @property
    def state(self):
        return {"base": self.base, "udp": self.udp, "peer": self.peer}

    def request(self, method, target, body=None):
        """(status, header fields, body); the body of a JSON answer is decoded."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.base + target, data, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            content = answer.read()
            if content and answer.headers.get_content_type() == "application/json":
                content = json.loads(content)
            return answer.status, answer.headers, content

    def expect(self, status, method, target, body=None):
        found, headers, content = self.request(method, target, body)
        if found != status:
            raise RuntimeError(f"{method} {target}: {found}, not {status}: {content}")
        return headers, content


@contextlib.contextmanager
def gateway(products, *arguments):
    with tempfile.TemporaryDirectory() as directory:
        command = [
            Path(products) / "lrp2p-gateway",
            # What it is told to dial leaves from here: nothing beyond this machine is reached.
            *("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
            # Nobody else is served meanwhile.
            *("--drain-time", "0", "--key-file", Path(directory) / "key", *arguments),
        ]
        with open(Path(directory) / "log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, preexec_fn=die_with_parent
            )
            try:
                ready = json.loads(process.stdout.readline())
                yield Gateway(f"http://{ready['http']}", ready["udp"], ready["peer_id"])
                process.send_signal(signal.SIGTERM)
                if process.wait(timeout=60) != 0:
                    raise RuntimeError(f"a gateway ended with {process.returncode}")
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
