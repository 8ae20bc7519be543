#!/usr/bin/env python3
"""A peer of the LRP2P base protocol that shares no code with the gateway: for interoperability.

It transfers bytes both ways and checks every datagram of the other side. One JSON object per line
on standard output: "ready", "handshake", "window_closed", "transferred", at the end "result".
Standard input: "resume" lets a paused reader read on; "stop", or the end of input, ends the run.
Exit status: 0 when all was transferred and nothing violated the protocol, else 1.
"""

import argparse
import json
import math
import os
import random
import secrets
import select
import sys
import time

import wire
from conformance import Conformance
from link import LossySocket
from session import Session, public_key
from transport import Receiver, Sender

FIRST_MESSAGE_RETRY_SECONDS = [1, 2, 4]
SECOND_MESSAGE_RETRY_SECONDS = 1
THIRD_MESSAGE_RETRY_SECONDS = 0.1
HOLD_BACK_SECONDS = 0.02  # between message 3 and the first data; the reference has no such thing
MOST_EARLY_DATAGRAMS = 64
TICK_SECONDS = 0.01
WINDOW_UPDATE_SECONDS = 0.1


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Peer:
    def __init__(self, options):
        self.options = options
        self.is_initiator = options.role == "initiator"
        self.link = LossySocket(options.host, options.loss, options.seed)
        payload = random.Random(f"{options.seed}/payload").randbytes(options.send_bytes)
        self.sender = Sender(payload, options.reference_like)
        self.receiver = Receiver(options.window, options.reference_like, options.pause_at)
        self.conformance = Conformance(self.receiver)
        self.static_private = secrets.token_bytes(32)
        self.static_public = public_key(self.static_private)
        self.session = None
        self.remote = None
        self.own_message = None  # the last handshake message sent, byte for byte
        self.retry_at = None
        self.retries = 0
        self.established = False
        self.send_from = 0.0
        self.authenticated = False
        self.early = []
        self.dead = None
        self.told_transferred = self.told_closed = False
        self.update_at = None

    # Handshake.

    def connect(self, host, port):
        self.remote = (host, port)
        self.session = Session(True, secrets.token_bytes(8), self.static_private)
        self.send_handshake(self.session.write_handshake())

    def send_handshake(self, datagram):
        self.own_message = datagram
        self.link.send(datagram, self.remote)
        number = wire.HANDSHAKE_NUMBERS[len(datagram)]
        self.retry_at = None
        if not self.options.reference_like:  # The reference never repeats a handshake message.
            delay = {1: FIRST_MESSAGE_RETRY_SECONDS[min(self.retries, 2)],
                     2: SECOND_MESSAGE_RETRY_SECONDS, 3: THIRD_MESSAGE_RETRY_SECONDS}[number]
            self.retry_at = time.monotonic() + delay

    def handle_handshake(self, datagram, arrival, lost):
        seen = self.conformance.handshake
        if self.is_initiator:
            self.handle_second_message(datagram, arrival, lost)
        elif self.session is None or datagram == seen[1][0]:
            self.handle_first_message(datagram, arrival, lost)
        elif 3 not in seen and len(datagram) == wire.HANDSHAKE_LENGTHS[3] or (
                3 in seen and datagram == seen[3][0]):
            self.handle_third_message(datagram, arrival, lost)
        else:
            self.handle_early_data(datagram, arrival, lost)

    def handle_first_message(self, datagram, arrival, lost):
        if not self.conformance.handshake_message(1, datagram, arrival) or lost:
            return
        if self.session is None:
            self.session = Session(False, datagram[:8], self.static_private)
            self.session.read_handshake(datagram)
            self.send_handshake(self.session.write_handshake())
        else:
            self.link.send(self.own_message, self.remote)

    def handle_second_message(self, datagram, arrival, lost):
        if not self.conformance.handshake_message(2, datagram, arrival) or lost:
            return
        self.session.read_handshake(datagram)
        self.retries = 0
        self.send_handshake(self.session.write_handshake())
        if not self.options.reference_like:
            self.send_from = time.monotonic() + HOLD_BACK_SECONDS
        self.finish_handshake()

    def handle_third_message(self, datagram, arrival, lost):
        if not self.conformance.handshake_message(3, datagram, arrival) or lost:
            return
        self.session.read_handshake(datagram)
        self.retry_at = None
        self.finish_handshake()

    def handle_early_data(self, datagram, arrival, lost):
        if 3 not in self.conformance.handshake:
            self.conformance.violation("data before message 3")
        if self.options.reference_like and not lost:
            self.dead = "data overtook message 3"  # The reference never recovers from it.
        elif len(self.early) < MOST_EARLY_DATAGRAMS:
            self.early.append((datagram, arrival, lost))

    def finish_handshake(self):
        self.established = True
        key = self.session.remote_static_key.hex()
        tell("handshake", peer_static_key=key, connection_id=self.session.connection_id.hex())
        for early in self.early:
            self.handle_data(*early)
        self.early.clear()

    # Data.

    def handle_data(self, datagram, arrival, lost):
        number = self.conformance.handshake_copy(datagram)
        if number is not None:
            return self.handle_handshake_copy(number, datagram, arrival, lost)
        opened = self.session.open(datagram)
        if opened is None:
            return self.conformance.violation(f"{len(datagram)} bytes that do not authenticate")
        segment = self.conformance.plaintext(*opened, arrival)
        if lost:
            return
        if not self.authenticated:
            self.authenticated, self.retry_at = True, None
        if segment is None:
            return
        now = time.monotonic()
        if segment.is_ack:
            self.sender.acknowledged(opened[0], segment, now)
        else:
            acknowledgement = self.receiver.receive(segment)
            if acknowledgement is not None:
                self.link.send(self.session.seal(acknowledgement), self.remote)

    def handle_handshake_copy(self, number, datagram, arrival, lost):
        self.conformance.handshake_message(number, datagram, arrival)
        # A repeated message 2 says that message 3 was lost.
        if number == 2 and not lost and not self.options.reference_like:
            self.link.send(self.own_message, self.remote)

    def handle(self, datagram, source, arrival, lost):
        if not self.conformance.length(datagram, self.established):
            return
        if self.session is not None and datagram[:8] != self.session.connection_id:
            return self.conformance.violation(f"connection id {datagram[:8].hex()}")
        if self.remote is None:
            self.remote = source
        if source != self.remote:
            return self.conformance.violation(f"datagram from {source}")
        if self.established:
            self.handle_data(datagram, arrival, lost)
        else:
            self.handle_handshake(datagram, arrival, lost)

    # The loop.

    def send_due(self):
        now = time.monotonic()
        if self.retry_at is not None and now >= self.retry_at:
            self.retries += 1
            self.send_handshake(self.own_message)
        if not self.established or now < self.send_from:
            return
        for sequence, plaintext in self.sender.poll(now):
            if self.link.send(self.session.seal(plaintext), self.remote):
                self.conformance.sent_data(sequence)
        if self.update_at is not None and now >= self.update_at:
            self.update_at = now + WINDOW_UPDATE_SECONDS
            self.link.send(self.session.seal(self.receiver.window_update()), self.remote)

    def transferred(self):
        return self.sender.finished and self.receiver.bytes >= self.options.receive_bytes

    def tell_progress(self):
        if self.sender.window_closings and not self.told_closed:
            self.told_closed = True
            tell("window_closed", acknowledged_segments=self.sender.next_new)
        if self.established and self.transferred() and not self.told_transferred:
            self.told_transferred = True
            self.update_at = None
            tell("transferred", sent_sha256=self.sender.sha256,
                 received_sha256=self.receiver.hash.hexdigest())

    def commands(self):
        """Whether to go on."""
        for line in (os.read(sys.stdin.fileno(), 4096).decode().splitlines() or ["stop"]):
            if line == "stop":
                return False
            if line == "resume":
                self.receiver.resume()
                # Repeated until all is there: nothing acknowledges it.
                self.update_at = time.monotonic()
        return True

    def run(self):
        deadline = time.monotonic() + self.options.timeout
        host, port = self.link.address
        tell("ready", host=host, port=port, static_key=self.static_public.hex())
        if self.is_initiator:
            self.connect(*self.options.connect)
        while self.dead is None:
            if time.monotonic() > deadline:
                self.dead = "timed out"
                break
            readable, _, _ = select.select([self.link, sys.stdin], [], [], TICK_SECONDS)
            if sys.stdin in readable and not self.commands():
                break
            while (received := self.link.receive()) is not None:
                self.handle(*received)
                if self.dead is not None:
                    break
            self.send_due()
            self.tell_progress()
        return self.report()

    def report(self):
        self.conformance.finish(math.inf if self.options.lossy_path else self.link.kernel_drops)
        complete = self.established and self.transferred()
        tell("result", complete=complete, dead=self.dead,
             sent_sha256=self.sender.sha256, received_sha256=self.receiver.hash.hexdigest(),
             received_bytes=self.receiver.bytes, retransmissions=self.sender.retransmissions,
             duplicates=self.receiver.duplicates, window_closings=self.sender.window_closings,
             kernel_drops=self.link.kernel_drops, **self.conformance.report())
        return 0 if complete and self.dead is None and not self.conformance.violations else 1


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="An independent LRP2P peer.")
    parser.add_argument("--role", choices=["initiator", "responder"], required=True)
    parser.add_argument("--connect", type=endpoint, metavar="HOST:PORT")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind")
    parser.add_argument("--send-bytes", type=int, default=0)
    parser.add_argument("--receive-bytes", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1, help="of the payload and of the loss")
    parser.add_argument("--loss", type=float, default=0.0, help="in each direction, 0 to 1")
    parser.add_argument("--lossy-path", action="store_true",
                        help="datagrams get lost on the way: do not ask where they are")
    parser.add_argument("--window", type=int, default=256, help="receive buffer in segments")
    parser.add_argument("--pause-at", type=int, metavar="BYTES",
                        help="then stop reading until 'resume'")
    parser.add_argument("--reference-like", action="store_true",
                        help="behave like the reference implementation, hazards included")
    parser.add_argument("--timeout", type=float, default=300, help="seconds until it gives up")
    options = parser.parse_args(arguments)
    if options.role == "initiator" and options.connect is None:
        parser.error("--role initiator needs --connect")
    return options


def main():
    if sys.argv[1:] == ["selftest"]:
        import selftest
        return selftest.run()
    return Peer(parse_arguments(sys.argv[1:])).run()


if __name__ == "__main__":
    sys.exit(main())
