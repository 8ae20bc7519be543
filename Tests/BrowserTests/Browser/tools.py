"""What the scenarios have in common."""

import os
import sys

from browser import Browser
from processes import GatewayProcess

NAME, PRODUCTS, ARTIFACTS = sys.argv[1:]
CONNECTIONS = "/v1/connections"


def gateway(*arguments):
    return GatewayProcess(PRODUCTS, *arguments)


def browser():
    return Browser(ARTIFACTS, NAME)


def connect(here, there, **members):
    """The ids that both ends have given a connection."""
    target = {"address": there.udp, "peer": there.peer, **members}
    _, content = here.expect(201, "POST", CONNECTIONS, target)
    return content["id"], there.expect(200, "GET", "/v1/accept?wait=60s")[1]["id"]


def send(node, connection, data):
    target = f"{CONNECTIONS}/{connection}/data?until=acknowledged"
    node.expect(200, "POST", target, data)


def received(node, connection, size):
    """Reads and acknowledges so many bytes."""
    data, query = b"", ""
    while len(data) < size:
        target = f"{CONNECTIONS}/{connection}/data?wait=60s&max_bytes=4194304{query}"
        headers, content = node.expect(200, "GET", target)
        data += content
        query = "&offset={0}&ack={0}".format(headers["Next-Offset"])
    return data


def open_page(page, node):
    """The page of a gateway, once it follows what happens there."""
    page.open(node.base)
    page.expect("#events-status", "Nothing yet")


def random_file(directory, size):
    path = directory.path("a file to send")
    path.write_bytes(os.urandom(size))
    return path


def token_file(directory):
    """A gateway's tokens, by name."""
    tokens = {"all": "all-0123456789abcdef", "reader": "read-0123456789abcdef"}
    tokens["prometheus"] = "metrics-0123456789abcdef"
    scopes = {"all": "read,write,metrics", "reader": "read", "prometheus": "metrics"}
    path = os.path.join(directory, "tokens")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name} {scopes[name]} {token}\n" for name, token in tokens.items())
    return path, tokens


def use(page, token):
    page.fill("Token", token)
    page.click("Use it")


def waiting(node):
    """Requests that wait at this moment."""
    lines = node.expect(200, "GET", "/metrics")[1].decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("lrp2p_polls_waiting "))
