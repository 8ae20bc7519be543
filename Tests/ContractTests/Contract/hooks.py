"""What schemathesis cannot make up: ids and cursors that exist, and addresses that may be dialled.

Only values that the contract allows are replaced; what is malformed is sent as it was made. Which
of the possible values takes the place of a generated one follows from that one.
"""

import json
import os
import re
import zlib

import schemathesis

import document as contract
from gateways import Gateway

STATE = json.loads(os.environ["CONTRACT_STATE"])
HERE, THERE = Gateway(**STATE["here"]), Gateway(**STATE["there"])
SCHEMAS = contract.load()["components"]["schemas"]
CONNECTIONS = "/v1/connections"
# As the gateway takes an address apart, so that none gets past the replacement.
DIALLED = re.compile(r".*:\+?0*[0-9]{1,5}", re.DOTALL)
# How long a request may wait here: long enough to wait at all.
LONGEST_WAIT = "20ms"
NAME_BYTES = 64
# Fewer than a connection may have.
READERS = ["one", "two", "three"]


def fits(name, value):
    pattern = SCHEMAS[name].get("pattern")
    return isinstance(value, str) and re.fullmatch(pattern.strip("^$"), value) is not None


def draw(value, choices):
    return choices[zlib.crc32(str(value).encode()) % len(choices)]


class Arrivals:
    """The connections that come to the other gateway, in their order."""

    def __init__(self):
        self.after = None

    def new(self):
        """The ids of those that came since this was asked last."""
        while True:
            query = f"?after={self.after}" if self.after else ""
            status, headers, content = THERE.request("GET", f"/v1/accept{query}")
            self.after = headers["Next-After"]
            if status == 204:
                return
            yield content["id"]


class Connection:
    """A connection from here to there, with something sent each way and not read."""

    arrivals = Arrivals()

    def __init__(self):
        _, content = HERE.expect(
            201, "POST", CONNECTIONS, {"address": THERE.udp, "peer": THERE.peer}
        )
        self.id = content["id"]
        # Acknowledged, so that the other side can be known by it: what is tried makes more
        # connections, some of which are given up before they arrive.
        mark = self.id.encode()
        HERE.expect(200, "POST", f"{CONNECTIONS}/{self.id}/data?until=acknowledged", mark)
        for other in self.arrivals.new():
            if THERE.request("GET", f"{CONNECTIONS}/{other}/data")[2] == mark:
                self.other = other
                target = f"{CONNECTIONS}/{other}/data?until=acknowledged"
                THERE.expect(200, "POST", target, b"and back")
                return
        raise RuntimeError(f"{self.id} has not arrived")

    def end(self):
        """The other side sends no more."""
        THERE.expect(204, "DELETE", f"{CONNECTIONS}/{self.other}?drain=30s")

    @property
    def document(self):
        status, _, content = HERE.request("GET", f"{CONNECTIONS}/{self.id}")
        return content if status == 200 else None


class Pool:
    """A connection that lasts, until it is closed by what is tried."""

    def __init__(self):
        self.connection = None

    def current(self):
        document = self.connection and self.connection.document
        if document is None or document["state"] == "closed" or document["send"]["finished"]:
            self.connection = Connection()
        return self.connection


class EndedPool:
    """A connection whose peer has said all: what is sent as it comes has an end."""

    def __init__(self):
        self.connection = None

    def current(self):
        if not (self.connection and self.connection.document):
            self.connection = Connection()
            self.connection.end()
        return self.connection


pool = Pool()
ended = EndedPool()


def cursor_of(operation, value, connection):
    """A cursor of the sequence that the operation is about, in its range or not far beyond."""
    if operation == "accept":
        cursor = HERE.request("HEAD", "/v1/accept")[1]["Next-After"]
    elif operation == "listEvents":
        cursor = HERE.request("HEAD", "/v1/events")[1]["Next-After"]
    elif operation == "listConnections":
        cursor = HERE.expect(200, "GET", f"{CONNECTIONS}?limit=1")[1].get("next_after", value)
    else:
        document = connection and connection.document
        if not document:
            return value
        cursor = document["receive"]["received"]
    epoch, _, end = cursor.partition("-")
    return draw(value, [value, f"{epoch}-0", cursor, cursor, f"{epoch}-{int(end) + 1000}"])


def set_path(operation, case):
    if not fits("ConnectionID", (case.path_parameters or {}).get("id")):
        return None
    if operation == "closeConnection":
        connection = Connection()
    else:
        connection = (ended if operation == "stream" else pool).current()
    # One in four keeps its id, which seldom exists. One that does, from an answer, may be that of an
    # open connection, whose stream has no end.
    given = case.path_parameters["id"]
    exists = operation == "stream" and HERE.request("GET", f"{CONNECTIONS}/{given}")[0] == 200
    if not exists and not draw(given, [True, True, True, False]):
        return None
    case.path_parameters["id"] = connection.id
    reader = case.path_parameters.get("reader")
    if fits("ReaderName", reader) and draw(reader, [True, True, True, False]):
        case.path_parameters["reader"] = READERS[0]
        # It comes to be with its first request, whatever that finds.
        HERE.request("GET", f"{CONNECTIONS}/{connection.id}/data?reader={READERS[0]}")
    return connection


def set_query(operation, query, connection):
    for name, value in list(query.items()):
        if name in ("wait", "drain") and fits("Duration", value) and value != "0":
            query[name] = LONGEST_WAIT
        elif name in ("after", "offset", "ack") and fits("Cursor", value):
            query[name] = cursor_of(operation, value, connection)
        elif name == "peer" and fits("PeerID", value):
            query[name] = draw(value, [HERE.peer, THERE.peer])
        elif name == "reader" and fits("ReaderName", value):
            query[name] = draw(value, READERS)
    if operation == "closeConnection" and query.get("abort") in (True, "true"):
        # Each is allowed, not both.
        query.pop("drain", None)
    if operation == "accept" and "after" in query:
        # Each is allowed, not both.
        query.pop("name", None)
    if fits("ConnectionName", query.get("name")):
        # JSON Schema counts characters.
        query["name"] = query["name"][:NAME_BYTES // 4]
    if operation in ("send", "sendFile") and query.get("until", "queued") == "queued":
        query.pop("wait", None)
    if operation == "connect" and "wait" not in query:
        query["wait"] = LONGEST_WAIT


def set_headers(operation, case, connection):
    name = "Last-Event-ID"
    # Values of another type come as a plain number, and are taken for valid: a header is text.
    is_number = case.headers.get(name) == "0"
    if not is_number and not fits("Cursor", case.headers.get(name)):
        return
    if set(case.query or {}) & {"after", "offset"}:
        # Each is allowed, not both.
        del case.headers[name]
    else:
        case.headers[name] = cursor_of(operation, case.headers[name], connection)


def set_body(operation, body, connection):
    if operation == "acknowledge" and fits("Cursor", body.get("offset")):
        body["offset"] = cursor_of(operation, body["offset"], connection)
    if operation != "connect":
        return
    if isinstance(body.get("address"), str) and DIALLED.fullmatch(body["address"]):
        body["address"] = draw(body["address"], [THERE.udp, THERE.udp, STATE["silent"], HERE.udp])
    if fits("PeerID", body.get("peer")):
        body["peer"] = draw(body["peer"], [THERE.peer, HERE.peer])
    if isinstance(body.get("name"), str) and len(body["name"].encode()) > NAME_BYTES:
        # JSON Schema counts characters.
        body["name"] = body["name"][:NAME_BYTES // 4]


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId")
    if case.method.upper() != case.operation.method.upper():
        return
    connection = set_path(operation, case)
    if isinstance(case.query, dict):
        set_query(operation, case.query, connection)
    if case.headers:
        set_headers(operation, case, connection)
    if isinstance(case.body, dict):
        set_body(operation, case.body, connection)
    if operation == "accept" and draw(case.query, [True, False]):
        THERE.expect(201, "POST", CONNECTIONS, {"address": HERE.udp})


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.definition.raw.get("operationId")
    if case.method.upper() == case.operation.method.upper():
        with open(STATE["seen"], "a", encoding="utf-8") as seen:
            print(operation, response.status_code, file=seen)


@schemathesis.deserializer("application/octet-stream")
def any_bytes(context, response):
    return response.content.decode("latin-1")
