"""Reads both formats of the metrics with the parsers of prometheus_client, which are not ours.

metrics.py PRODUCTS   the directory of the executables
"""

import sys
import time
import urllib.request

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from gateways import gateway

FORMATS = {
    "text/plain; version=0.0.4; charset=utf-8": parser,
    "application/openmetrics-text; version=1.0.0; charset=utf-8": openmetrics,
}
KINDS = {
    "lrp2p_sent_bytes": ("counter", "bytes"),
    "lrp2p_connections": ("gauge", ""),
    "lrp2p_connection_congestion_window_packets": ("gauge", "packets"),
    "lrp2p_rtt_seconds": ("histogram", "seconds"),
    "lrp2p_build": ("info", ""),
}
SENT = b"hello"


def families(base, media_type):
    request = urllib.request.Request(base + "/metrics", headers={"Accept": media_type})
    with urllib.request.urlopen(request, timeout=60) as answer:
        if answer.headers["Content-Type"] != media_type:
            raise RuntimeError(f"{answer.headers['Content-Type']}, not {media_type}")
        text = answer.read().decode()
    return list(FORMATS[media_type].text_string_to_metric_families(text))


def samples(found):
    """Their names and labels; a bound is a number, however it is written."""
    for sample in (sample for family in found for sample in family.samples):
        labels = dict(sample.labels)
        if "le" in labels:
            labels["le"] = float(labels["le"])
        yield sample.name, tuple(sorted(labels.items())), sample.value


def total(found, name):
    return sum(value for sample, _, value in samples(found) if sample == name)


def problems(base):
    text, exact = (families(base, media_type) for media_type in FORMATS)
    kinds = {family.name: (family.type, family.unit) for family in exact}
    for name, kind in KINDS.items():
        if kinds.get(name) != kind:
            yield f"{name} is {kinds.get(name)}, not {kind}"
    # The request for the one is counted in the other: whatever else there is, is in both.
    only = {sample[:2] for sample in samples(text)} ^ {sample[:2] for sample in samples(exact)}
    for name, labels in sorted(only, key=str):
        yield f"in one format only: {name} {labels}"
    for found in (text, exact):
        if total(found, "lrp2p_sent_bytes_total") != len(SENT):
            yield f"{total(found, 'lrp2p_sent_bytes_total')} bytes sent, not {len(SENT)}"


def main(products):
    with gateway(products) as here, gateway(products) as there:
        body = {"address": there.udp, "peer": there.peer}
        _, connection = here.expect(201, "POST", "/v1/connections", body)
        data = f"/v1/connections/{connection['id']}/data?until=acknowledged"
        here.expect(200, "POST", data, SENT)
        # The first is counted only when it has been answered. The transport's figures come later.
        limit = time.monotonic() + 60
        while total(families(here.base, next(iter(FORMATS))), "lrp2p_sent_bytes_total") < len(SENT):
            if time.monotonic() > limit:
                raise RuntimeError("what was sent is not counted")
            time.sleep(0.01)
        found = list(problems(here.base))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
