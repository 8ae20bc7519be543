"""Checks the peer: against the recorded exchanges, against itself, and that it finds faults."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import wire
from conformance import Conformance
from session import Session
from transport import Receiver

FIXTURES = Path(__file__).resolve().parents[2] / "Fixtures"
RECORDINGS = ["reference-hello.json", "reference-loss.json"]
ROLES = {"initiator": "initiator-to-responder", "responder": "responder-to-initiator"}


def recording(name):
    return json.loads((FIXTURES / name).read_text())


def sessions(record):
    def make(role):
        return Session(role == "initiator", bytes.fromhex(record["connection_id"]),
                       bytes.fromhex(record[f"{role}_static_private"]),
                       bytes.fromhex(record[f"{role}_ephemeral_private"]))
    return {ROLES[role]: make(role) for role in ROLES}


def exchange(record):
    """(entry, datagram, plaintext or None) of each, opened by the side that received it."""
    sides = sessions(record)
    opposite = dict(zip(ROLES.values(), reversed(ROLES.values())))
    for entry in record["datagrams"]:
        datagram = bytes.fromhex(entry["datagram"])
        sender, receiver = sides[entry["direction"]], sides[opposite[entry["direction"]]]
        if "handshake_message" in entry:
            assert sender.write_handshake() == datagram, "another handshake message"
            assert receiver.read_handshake(datagram) == b""
            yield entry, datagram, None
        else:
            nonce, plaintext = receiver.open(datagram)
            assert nonce == entry["nonce"]
            assert sender.seal(plaintext) == datagram, "another ciphertext"
            yield entry, datagram, plaintext
    hashes = {side.handshake_hash.hex() for side in sides.values()}
    assert hashes == {record["handshake_hash"]}


class Recordings(unittest.TestCase):
    def test_every_datagram_is_made_and_read_alike(self):
        for name in RECORDINGS:
            for entry, _, plaintext in exchange(recording(name)):
                if plaintext is None:
                    continue
                self.assertEqual(plaintext.hex(), entry["segment"])
                segment = wire.parse(plaintext)
                self.assertEqual(segment.flags, entry["flags"])
                self.assertEqual(segment.sequence, entry["sequence_number"])
                if segment.is_ack:
                    self.assertEqual(segment.window, entry["window"])
                    self.assertEqual(segment.acked, entry["acked_sequence_number"])
                    again = wire.ack(segment.sequence, segment.window, segment.acked,
                                     segment.window_length)
                else:
                    again = wire.data(segment.sequence, segment.payload,
                                      bool(segment.flags & wire.RTO))
                self.assertEqual(again, plaintext)

    def test_the_reference_conforms(self):
        for name in RECORDINGS:
            for observed in ROLES.values():
                checker = observe(recording(name), observed)
                self.assertEqual(checker.violations, [])
                self.assertIn(4, checker.window_lengths)


def observe(record, observed, change=lambda nonce, plaintext: (nonce, plaintext)):
    """What a checker says of one side of a recording, each datagram changed on its way."""
    checker = Conformance(Receiver(65535, True))
    for arrival, (entry, datagram, plaintext) in enumerate(exchange(record)):
        if entry["direction"] == observed:
            if plaintext is None:
                checker.handshake_message(entry["handshake_message"], datagram, arrival)
            else:
                checker.plaintext(*change(entry["nonce"], plaintext), arrival)
        elif plaintext is not None and not wire.parse(plaintext).is_ack:
            if not entry["dropped_in_transit"]:
                checker.sent_data(wire.parse(plaintext).sequence)
    checker.finish(kernel_drops=0)
    return checker


class Faults(unittest.TestCase):
    """Each fault in an otherwise clean recording is found. The datagram with nonce 8 of the
    initiator is its only retransmission."""

    def expect(self, text, change, observed="initiator-to-responder", name="reference-loss.json"):
        violations = observe(recording(name), observed, change).violations
        self.assertTrue(any(text in violation for violation in violations), violations)

    def edited(self, nonce, position, value):
        def change(found, plaintext):
            if found == nonce:
                plaintext = plaintext[:position] + bytes([value]) + plaintext[position + 1:]
            return found, plaintext
        return change

    def test_flags(self):
        self.expect("without the RTO flag", self.edited(8, 1, 0))
        self.expect("RTO flag on the first copy", self.edited(5, 1, wire.RTO))
        self.expect("with flags 0x0", self.edited(0, 1, 0))
        self.expect("with flags 0x2", self.edited(5, 1, wire.SYN))
        self.expect("flags 0x10", self.edited(5, 1, 0x10))
        self.expect("acknowledgement with flags", self.edited(1, 1, wire.ACK | wire.RTO))

    def test_segments(self):
        self.expect("with offset 7", self.edited(5, 0, 7))
        self.expect("with offset 8", self.edited(1, 0, 8))
        self.expect("sent again with other bytes", self.edited(8, 20, 0))
        self.expect("sent before", self.edited(9, 5, 9))
        self.expect("segment of 5 bytes", lambda nonce, plaintext: (nonce, plaintext[:5]))
        self.expect("0 payload bytes", lambda nonce, plaintext: (nonce, plaintext[:6]))
        long = wire.data(0, bytes(wire.MAXIMUM_PAYLOAD + 1), False)
        self.expect("1363 payload bytes", lambda nonce, plaintext: (nonce, long))
        self.expect("acknowledgement of 15 bytes", lambda nonce, plaintext: (
            nonce, plaintext + b"x" if nonce == 1 else plaintext))

    def test_nonces(self):
        self.expect("used twice", lambda nonce, plaintext: (min(nonce, 5), plaintext))
        self.expect("1 nonces missing", lambda nonce, plaintext: (nonce + (nonce > 5), plaintext))

    def test_acknowledgements(self):
        back = "responder-to-initiator"
        self.expect("which never left", self.edited(2, 13, 200), observed=back)
        self.expect("went back", self.edited(8, 5, 0), observed=back)
        self.expect("in order, but", self.edited(8, 5, 200), observed=back)
        self.expect("24 bits", self.edited(2, 6, 1), observed=back)

    def test_handshake(self):
        checker = Conformance(Receiver(65535, True))
        self.assertFalse(checker.handshake_message(1, bytes(39), 0))
        self.assertFalse(checker.handshake_message(1, bytes(1401), 0))
        self.assertFalse(checker.handshake_message(2, bytes(105), 0))
        self.assertTrue(checker.handshake_message(1, bytes(40), 1))
        self.assertTrue(checker.handshake_message(1, bytes(40), 2))
        self.assertFalse(checker.handshake_message(1, bytes(39) + b"x", 3))
        self.assertTrue(checker.handshake_message(1, bytes(40), 2.5))
        self.assertEqual(len(checker.violations), 5)
        self.assertTrue(checker.handshake_message(3, bytes(72), 5))
        checker.plaintext(0, b"", 5.0005)
        checker.finish(0)
        self.assertIn("after message 3", checker.violations[-1])
        self.assertFalse(checker.length(bytes(31), established=True))
        self.assertFalse(checker.length(bytes(7), established=False))


class AgainstItself(unittest.TestCase):
    def transfer(self, both=(), initiator=(), responder=(), size=200_000):
        def start(*arguments):
            return subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("lrp2p_peer.py")), *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def wait(process, event):
            for line in process.stdout:
                found = json.loads(line)
                if found["event"] == event:
                    return found
            self.fail(f"no {event!r}")

        common = ["--send-bytes", str(size), "--receive-bytes", str(size), *both]
        with start("--role", "responder", "--seed", "1", *common, *responder) as answering:
            port = wait(answering, "ready")["port"]
            with start("--role", "initiator", "--seed", "2", "--connect", f"127.0.0.1:{port}",
                       *common, *initiator) as asking:
                for process in (asking, answering):
                    wait(process, "transferred")
                for process in (asking, answering):
                    process.stdin.close()
                results = [wait(process, "result") for process in (asking, answering)]
                for result in results:
                    self.assertEqual(result["violations"], [])
                    self.assertTrue(result["complete"])
                self.assertEqual(results[0]["received_sha256"], results[1]["sent_sha256"])
                self.assertEqual(results[1]["received_sha256"], results[0]["sent_sha256"])
                self.assertEqual([process.wait() for process in (asking, answering)], [0, 0])
                return results

    def test_without_loss(self):
        for result in self.transfer():
            self.assertEqual(result["nonces_missing"], 0)

    def test_with_loss(self):
        for result in self.transfer(both=["--loss", "0.1", "--lossy-path"]):
            self.assertGreater(result["retransmissions"], 0)

    def test_small_window(self):
        self.transfer(both=["--window", "16", "--loss", "0.05", "--lossy-path"])


def run():
    program = unittest.main(module="selftest", argv=["selftest"], exit=False)
    return 0 if program.result.wasSuccessful() else 1
