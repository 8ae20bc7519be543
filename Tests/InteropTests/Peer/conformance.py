"""What the other side may send by the base protocol, checked datagram by datagram.

It sees what arrived at the socket, before the loss of the test is applied, and learns what
really left. What depends on order is checked at the end, in the order of the nonces.
"""

import hashlib

import wire

MINIMUM_SECONDS_BETWEEN_FIRST_MESSAGES = 0.9
# How long data must stay behind message 3 (PROTOCOL: "hold the first data back a moment").
MINIMUM_SECONDS_AFTER_THIRD_MESSAGE = 0.001
MOST_VIOLATIONS_TOLD = 20


class Conformance:
    def __init__(self, receiver):
        self.receiver = receiver
        self.violations = []
        self.handshake = {}  # message number -> [datagram, arrival times]
        self.first_data_arrival = None
        self.first_data_is_answer = False
        self.records = {}  # nonce -> (segment or None, digest of the payload)
        self.copies_sent = {}  # sequence -> copies that left
        self.acks_seen = {}  # sequence -> acknowledgements
        self.window_lengths = set()
        self.windows = set()
        self.duplicate_datagrams = 0
        self.keepalives = 0

    def violation(self, text):
        self.violations.append(text)

    # What left this side.

    def sent_data(self, sequence):
        self.copies_sent[sequence] = self.copies_sent.get(sequence, 0) + 1

    # What arrived.

    def length(self, datagram, established):
        """Whether the datagram may be looked at; the other side must never send a shorter one."""
        shortest = wire.SHORTEST_DATA_DATAGRAM if established else wire.CONNECTION_ID_LENGTH
        if len(datagram) < shortest:
            self.violation(f"datagram of {len(datagram)} bytes")
            return False
        if len(datagram) > wire.MAXIMUM_DATAGRAM:
            self.violation(f"datagram of {len(datagram)} bytes, more than 1400")
        return True

    def handshake_message(self, number, datagram, arrival):
        """Whether it is one: the right length, and the same bytes as any earlier copy.

        Message 1 may carry an offer, which a peer of the base protocol ignores.
        """
        shortest = wire.HANDSHAKE_LENGTHS[number]
        longest = wire.MAXIMUM_DATAGRAM if number == 1 else shortest
        if not shortest <= len(datagram) <= longest:
            self.violation(f"message {number} of {len(datagram)} bytes")
            return False
        first, arrivals = self.handshake.setdefault(number, (datagram, []))
        if datagram != first:
            self.violation(f"message {number} differs from its first copy")
            return False
        if number == 1 and arrivals:
            gap = arrival - arrivals[-1]
            if gap < MINIMUM_SECONDS_BETWEEN_FIRST_MESSAGES:
                self.violation(f"message 1 again after {gap:.3f} s")
        arrivals.append(arrival)
        return True

    def handshake_copy(self, datagram):
        """The number of the message that this is a copy of, or None."""
        for number, (first, _) in self.handshake.items():
            if datagram == first:
                return number
        return None

    def plaintext(self, nonce, plaintext, arrival):
        """The segment, or None when there is none to handle."""
        if nonce in self.records:
            self.violation(f"nonce {nonce} used twice")
            return None
        self.records[nonce] = (None, b"")
        if self.first_data_arrival is None:
            self.first_data_arrival = arrival
            # Whoever has received our data knows that message 3 has arrived.
            self.first_data_is_answer = bool(self.copies_sent)
        if not plaintext:
            self.keepalives += 1
            return None
        try:
            segment = wire.parse(plaintext)
        except wire.Malformed as error:
            self.violation(f"nonce {nonce}: {error}")
            return None
        self.records[nonce] = (segment, hashlib.sha256(segment.payload).digest())
        if segment.is_ack:
            self._ack(segment)
        elif not self.receiver.reference_like and segment.sequence > self.receiver.edge:
            # At the edge itself: one segment may ask a closed window.
            self.violation(f"segment {segment.sequence} is beyond the window told")
        return segment

    def _ack(self, segment):
        self.window_lengths.add(segment.window_length)
        self.windows.add(segment.window)
        if segment.acked not in self.copies_sent:
            self.violation(f"acknowledgement of {segment.acked}, which never left")
        self.acks_seen[segment.acked] = self.acks_seen.get(segment.acked, 0) + 1

    # At the end.

    def finish(self, kernel_drops):
        self._check_nonces(kernel_drops)
        self._check_third_message()
        self._check_data_in_order(kernel_drops)
        self._check_acks_in_order()

    @property
    def missing_nonces(self):
        return max(self.records) + 1 - len(self.records) if self.records else 0

    def _check_nonces(self, kernel_drops):
        if self.missing_nonces > kernel_drops:
            self.violation(
                f"{self.missing_nonces} nonces missing, {kernel_drops} lost by the kernel")

    def _check_third_message(self):
        if 3 not in self.handshake or self.first_data_arrival is None or self.first_data_is_answer:
            return
        gap = self.first_data_arrival - self.handshake[3][1][0]
        if gap < MINIMUM_SECONDS_AFTER_THIRD_MESSAGE:
            self.violation(f"data {gap * 1000:.3f} ms after message 3")

    def _check_data_in_order(self, kernel_drops):
        digests = {}
        for nonce in sorted(self.records):
            segment, digest = self.records[nonce]
            if segment is None or segment.is_ack:
                continue
            sequence = segment.sequence
            if bool(segment.flags & wire.SYN) != (sequence == 0):
                self.violation(f"segment {sequence} with flags {segment.flags:#x}")
            is_again = sequence in digests
            is_marked = bool(segment.flags & wire.RTO)
            if is_again and not is_marked:
                self.violation(f"segment {sequence} sent again without the RTO flag")
            if is_again and digest != digests[sequence]:
                self.violation(f"segment {sequence} sent again with other bytes")
            # Only a datagram lost by the kernel may hide the first copy.
            if not is_again and is_marked and kernel_drops == 0:
                self.violation(f"segment {sequence}: RTO flag on the first copy")
            if not is_again and sequence != len(digests) and kernel_drops == 0:
                self.violation(f"segment {sequence} sent before {len(digests)}")
            digests[sequence] = digest

    def _check_acks_in_order(self):
        last = 0
        for nonce in sorted(self.records):
            segment = self.records[nonce][0]
            if segment is None or not segment.is_ack:
                continue
            if segment.sequence < last:
                self.violation(f"last in order went back from {last} to {segment.sequence}")
            for sequence in range(last, segment.sequence + 1):
                if sequence not in self.copies_sent and segment.sequence > 0:
                    self.violation(f"{segment.sequence} in order, but {sequence} never left")
            last = max(last, segment.sequence)

    def report(self):
        surplus = sum(
            max(0, seen - self.copies_sent.get(sequence, 0))
            for sequence, seen in self.acks_seen.items())
        third = self.handshake.get(3)
        copies_before_data = None
        if third and self.first_data_arrival is not None:
            copies_before_data = sum(1 for t in third[1] if t <= self.first_data_arrival)
        return {
            "violation_count": len(self.violations),
            "violations": self.violations[:MOST_VIOLATIONS_TOLD],
            "datagrams_checked": len(self.records),
            "nonces_missing": self.missing_nonces,
            "keepalives": self.keepalives,
            "ack_window_lengths": sorted(self.window_lengths),
            "smallest_window": min(self.windows, default=None),
            "window_updates": surplus,
            "handshake_copies": {n: len(v[1]) for n, v in sorted(self.handshake.items())},
            "third_messages_before_data": copies_before_data,
        }
