"""Lets schemathesis look for answers that the contract does not describe: explore.py PRODUCTS

The same is tried each time. The requests go to one gateway, which talks to a second one; see
hooks.py for what is put in place of generated ids, cursors and addresses.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import document as contract
from gateways import gateway

# Of each operation, in each phase that generates them.
EXAMPLES = 40
# Seconds; a guard against a gateway that hangs, not a measure.
REQUEST_TIMEOUT = 30

# What a valid request may be answered: an address may lead to nobody, a cursor be of another life.
ACCEPTABLE = ["2xx", "304", "404", "409", "410", "422", "429", "502", "504"]
# What an invalid one may be answered: of two things wrong with it, either may be told.
REFUSALS = ["400", "404", "405", "409", "410", "413", "415", "422"]
# 502 and 504 are about the peer, not about the gateway.
NO_FAULTS = ["2xx", "3xx", "4xx", "502", "504"]

CONFIGURATION = f"""
continue-on-failure = true
checks.not_a_server_error.expected-statuses = {json.dumps(NO_FAULTS)}
checks.positive_data_acceptance.expected-statuses = {json.dumps(ACCEPTABLE)}
checks.negative_data_rejection.expected-statuses = {json.dumps(REFUSALS)}
"""

OPTIONS = [
    *("--no-color", "--checks", "all"),
    # A closed connection stays readable until it is deleted a second time.
    *("--exclude-checks", "use_after_free"),
    *("--phases", "examples,coverage,fuzzing,stateful"),
    *("--max-examples", str(EXAMPLES), "--generation-deterministic"),
    *("--request-timeout", str(REQUEST_TIMEOUT)),
]


def never_succeeded(document, seen):
    """Operations that were only ever refused: what is behind the refusal was not looked at."""
    answers = {}
    for line in seen.read_text(encoding="utf-8").splitlines():
        operation, status = line.split()
        answers.setdefault(operation, set()).add(int(status))
    for operation, statuses in sorted(answers.items()):
        print(f"{operation}: {', '.join(map(str, sorted(statuses)))}")
    names = [operation["operationId"] for _, _, operation, _ in contract.operations(document)]
    return [name for name in names if not any(s < 300 for s in answers.get(name, ()))]


def explore(document, state, directory):
    schema, configuration = directory / "openapi.json", directory / "schemathesis.toml"
    schema.write_text(json.dumps(document), encoding="utf-8")
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    environment = {
        "CONTRACT_STATE": json.dumps(state),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(contract.HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", configuration),
        *("run", schema, "--url", state["here"]["base"], *OPTIONS),
    ]
    # What schemathesis keeps for itself goes with the directory.
    return subprocess.run(command, cwd=directory, env=os.environ | environment).returncode


def main(products):
    document = contract.built(contract.load())
    with (
        tempfile.TemporaryDirectory() as directory,
        # Nobody answers here, and nobody else can have the port.
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        gateway(products) as here,
        gateway(products) as there,
    ):
        silent.bind(("127.0.0.1", 0))
        seen = Path(directory) / "seen"
        state = {
            "here": here.state,
            "there": there.state,
            "silent": f"127.0.0.1:{silent.getsockname()[1]}",
            "seen": str(seen),
        }
        status = explore(document, state, Path(directory))
        refused = never_succeeded(document, seen)
    if refused:
        print(f"never answered with success: {', '.join(refused)}")
    return 1 if status or refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
