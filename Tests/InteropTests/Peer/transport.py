"""Reliable delivery over segments: a sliding window one way, reordering the other way.

Sequence numbers do not wrap here: a run sends far less than 2^32 segments.
"""

import hashlib

import wire

PAYLOAD_BYTES = 1330  # What the reference implementation puts in a segment.
INITIAL_RTO_SECONDS = 0.2
MINIMUM_RTO_SECONDS = 0.03
MAXIMUM_RTO_SECONDS = 1.0
REFERENCE_RTT_SAMPLES = 5  # The reference implementation measures no more after these.
INITIAL_WINDOW = 10
SPECIFICATION_IN_FLIGHT = 128
REFERENCE_IN_FLIGHT = 1024


class Sender:
    def __init__(self, payload, reference_like):
        self.segments = [
            payload[i:i + PAYLOAD_BYTES] for i in range(0, len(payload), PAYLOAD_BYTES)
        ]
        self.sha256 = hashlib.sha256(payload).hexdigest()
        self.reference_like = reference_like
        self.next_new = 0
        self.in_flight = {}  # sequence -> [time of the last copy, copies]
        self.window = INITIAL_WINDOW
        self.newest_ack_nonce = -1
        self.window_closings = 0
        self.smoothed_rtt = None
        self.rtt_variation = 0.0
        self.rtt_samples = 0
        self.retransmissions = 0
        self.last_progress = 0.0

    @property
    def finished(self):
        return self.next_new == len(self.segments) and not self.in_flight

    @property
    def rto(self):
        if self.smoothed_rtt is None:
            return INITIAL_RTO_SECONDS
        rto = self.smoothed_rtt + 4 * self.rtt_variation
        return min(max(rto, MINIMUM_RTO_SECONDS), MAXIMUM_RTO_SECONDS)

    @property
    def limit(self):
        if self.reference_like:
            return REFERENCE_IN_FLIGHT
        return min(self.window, SPECIFICATION_IN_FLIGHT)

    def poll(self, now):
        """The segments to send now, as (sequence, plaintext); each counts as sent."""
        due = []
        for sequence, state in self.in_flight.items():
            if now - state[0] >= self.rto:
                state[0] = now
                state[1] += 1
                self.retransmissions += 1
                due.append((sequence, wire.data(sequence, self.segments[sequence], True)))
        while self.next_new < len(self.segments) and self._may_send_new(now):
            sequence = self.next_new
            self.in_flight[sequence] = [now, 1]
            self.next_new += 1
            self.last_progress = now
            due.append((sequence, wire.data(sequence, self.segments[sequence], False)))
        return due

    def _may_send_new(self, now):
        if len(self.in_flight) < self.limit:
            return True
        # A closed window is asked again with one segment: the message that opened it may be lost.
        return self.window == 0 and not self.in_flight and now - self.last_progress >= self.rto

    def acknowledged(self, nonce, ack, now):
        if nonce > self.newest_ack_nonce:
            if ack.window == 0 and self.window != 0:
                self.window_closings += 1
            self.newest_ack_nonce = nonce
            self.window = ack.window
        state = self.in_flight.pop(ack.acked, None)
        if state is None:
            return
        self.last_progress = now
        if state[1] == 1:
            self._sample(now - state[0])

    def _sample(self, rtt):
        if self.reference_like and self.rtt_samples >= REFERENCE_RTT_SAMPLES:
            return
        self.rtt_samples += 1
        if self.smoothed_rtt is None:
            self.smoothed_rtt, self.rtt_variation = rtt, rtt / 2
        else:
            error = abs(self.smoothed_rtt - rtt)
            self.rtt_variation += (error - self.rtt_variation) / 4
            self.smoothed_rtt += (rtt - self.smoothed_rtt) / 8


class Receiver:
    """The reader takes bytes at once until `pause_at` bytes, then nothing until `resume`."""

    def __init__(self, capacity, reference_like, pause_at=None):
        self.capacity = capacity
        self.reference_like = reference_like
        self.pause_at = pause_at
        self.waiting = {}  # out of order: sequence -> payload
        self.unread = []
        self.expected = 0
        self.highest = -1
        self.bytes = 0
        self.hash = hashlib.sha256()
        self.duplicates = 0
        self.dropped = 0

    @property
    def edge(self):
        """The first sequence number there is no room for."""
        return self.expected - len(self.unread) + self.capacity

    @property
    def window(self):
        return 65535 if self.reference_like else max(0, self.edge - (self.highest + 1))

    @property
    def window_length(self):
        return 4 if self.reference_like else 3

    def receive(self, segment):
        """The acknowledgement to send, or None when there was no room."""
        sequence = segment.sequence
        last_in_order = max(self.expected - 1, 0)
        if sequence >= self.edge:
            self.dropped += 1
            return None
        if sequence < self.expected or sequence in self.waiting:
            self.duplicates += 1
        else:
            self.waiting[sequence] = segment.payload
            self.highest = max(self.highest, sequence)
            self._advance()
        if not self.reference_like:  # The reference takes it before it inserts the segment.
            last_in_order = max(self.expected - 1, 0)
        return wire.ack(last_in_order, self.window, sequence, self.window_length)

    def _advance(self):
        while self.expected in self.waiting:
            self.unread.append(self.waiting.pop(self.expected))
            self.expected += 1
        self._read()

    def _read(self):
        if self.pause_at is not None and self.bytes >= self.pause_at:
            return
        for payload in self.unread:
            self.hash.update(payload)
            self.bytes += len(payload)
        self.unread.clear()

    def resume(self):
        self.pause_at = None
        self._read()

    def window_update(self):
        """The base protocol has no message for it: the last acknowledgement, again."""
        last = max(self.expected - 1, 0)
        return wire.ack(last, self.window, last, self.window_length)
