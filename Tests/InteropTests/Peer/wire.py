"""Datagrams and segments of the LRP2P base protocol, as bytes and back."""

import struct
from dataclasses import dataclass

PROTOCOL_NAME = b"Noise_XX_25519_ChaChaPoly_BLAKE2b"

CONNECTION_ID_LENGTH = 8
NONCE_LENGTH = 8
TAG_LENGTH = 16
MAXIMUM_DATAGRAM = 1400
SHORTEST_DATA_DATAGRAM = CONNECTION_ID_LENGTH + NONCE_LENGTH + TAG_LENGTH
# Whole datagrams, with empty payloads: connection id and Noise message.
HANDSHAKE_LENGTHS = {1: 40, 2: 104, 3: 72}
HANDSHAKE_NUMBERS = {length: number for number, length in HANDSHAKE_LENGTHS.items()}

DATA_OFFSET = 6
MAXIMUM_PAYLOAD = MAXIMUM_DATAGRAM - SHORTEST_DATA_DATAGRAM - DATA_OFFSET
ACKED_LENGTH = 4
MAXIMUM_WINDOW = (1 << 24) - 1

ACK, SYN, RTO = 1, 2, 8


class Malformed(Exception):
    """A plaintext that is no segment of the protocol."""


@dataclass(frozen=True)
class Segment:
    flags: int
    sequence: int
    payload: bytes = b""
    window: int = 0
    window_length: int = 0
    acked: int = 0

    @property
    def is_ack(self):
        return bool(self.flags & ACK)


def data(sequence, payload, retransmission):
    flags = (SYN if sequence == 0 else 0) | (RTO if retransmission else 0)
    return struct.pack(">BBI", DATA_OFFSET, flags, sequence) + payload


def ack(last_in_order, window, acked, window_length):
    header = struct.pack(">BBI", DATA_OFFSET + window_length, ACK, last_in_order)
    return header + window.to_bytes(window_length, "big") + struct.pack(">I", acked)


def parse(plaintext):
    """The segment in `plaintext`; raises Malformed for anything the protocol does not write."""
    if len(plaintext) < DATA_OFFSET:
        raise Malformed(f"segment of {len(plaintext)} bytes")
    offset, flags, sequence = struct.unpack_from(">BBI", plaintext)
    if flags & ACK:
        return _parse_ack(plaintext, offset, flags, sequence)
    if offset != DATA_OFFSET:
        raise Malformed(f"data segment with offset {offset}")
    if flags & ~(SYN | RTO):
        raise Malformed(f"data segment with flags {flags:#x}")
    payload = plaintext[offset:]
    if not 1 <= len(payload) <= MAXIMUM_PAYLOAD:
        raise Malformed(f"data segment with {len(payload)} payload bytes")
    return Segment(flags, sequence, payload=payload)


def _parse_ack(plaintext, offset, flags, sequence):
    if flags != ACK:
        raise Malformed(f"acknowledgement with flags {flags:#x}")
    window_length = offset - DATA_OFFSET
    if window_length not in (3, 4):
        raise Malformed(f"acknowledgement with offset {offset}")
    if len(plaintext) != offset + ACKED_LENGTH:
        raise Malformed(f"acknowledgement of {len(plaintext)} bytes with offset {offset}")
    window = int.from_bytes(plaintext[DATA_OFFSET:offset], "big")
    if window > MAXIMUM_WINDOW:
        raise Malformed(f"window {window} does not fit in 24 bits")
    (acked,) = struct.unpack_from(">I", plaintext, offset)
    return Segment(flags, sequence, window=window, window_length=window_length, acked=acked)
