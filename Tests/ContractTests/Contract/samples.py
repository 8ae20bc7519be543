"""Runs every shell example of the contract: samples.py PRODUCTS

Each finds what the introduction of the document promises, in gateways of its own, and its last
request has to be answered with the status in `x-status`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import document as contract
from gateways import gateway

# Seconds for one request of an example; those whose answer never ends are cut off.
LONGEST_REQUEST, ENDLESS_REQUEST = 60, 2
CURL_TIMED_OUT = 28
GREETING = b"Hello World"


def variables(here, there):
    """The variables of the examples, with a connection on which something has arrived."""
    connections = "/v1/connections"
    _, content = here.expect(201, "POST", connections, {"address": there.udp, "peer": there.peer})
    here.expect(200, "POST", f"{connections}/{content['id']}/data?until=acknowledged", GREETING)
    (other,) = there.expect(200, "GET", connections)[1]["connections"]
    return {
        **{"A": here.base, "B": there.base, "address": there.udp, "peer": there.peer},
        **{"a": content["id"], "b": other["id"], "next": other["receive"]["received"]},
    }


def run(source, environment, endless):
    """(exit status, HTTP status of the last request, everything it wrote)"""
    with tempfile.TemporaryDirectory() as directory:
        time = ENDLESS_REQUEST if endless else LONGEST_REQUEST
        settings = f'max-time = {time}\nwrite-out = "%{{stderr}}\\n%{{http_code}}\\n"\n'
        (Path(directory) / ".curlrc").write_text(settings, encoding="utf-8")
        shell = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", source],
            cwd=directory,
            env=os.environ | environment | {"CURL_HOME": directory},
            capture_output=True,
        )
        text = shell.stderr.decode(errors="replace")
        statuses = re.findall(r"^(\d{3})$", text, re.MULTILINE)
        output = text + shell.stdout.decode(errors="replace")
        return shell.returncode, int(statuses[-1]) if statuses else None, output


def problems(products):
    document = contract.resolved(contract.load())
    waiting = contract.pending()
    unknown = re.compile("|".join(f"[?&]{name}=" for name in waiting["parameters"]) or r"(?!)")
    for method, path, operation, _ in contract.operations(document):
        answers = operation["responses"]["200"] if "200" in operation["responses"] else {}
        for sample in operation["x-codeSamples"]:
            source, label = sample["source"], sample["label"]
            if f"{method} {path}" in waiting["operations"] or unknown.search(source):
                continue
            endless = "text/event-stream" in answers.get("content", {}) and "-N" in source
            with gateway(products) as here, gateway(products) as there:
                exit_status, status, output = run(source, variables(here, there), endless)
            print(f"{operation['operationId']}: {label}: {status}")
            if exit_status not in ((0, CURL_TIMED_OUT) if endless else (0,)):
                yield f"{label}: ended with {exit_status}\n{source}{output}"
            if status != sample["x-status"]:
                yield f"{label}: {status}, not {sample['x-status']}\n{source}{output}"


if __name__ == "__main__":
    found = list(problems(sys.argv[1]))
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(1 if found else 0)
