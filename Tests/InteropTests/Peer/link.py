"""A UDP socket that loses datagrams by seed, and says what the kernel did with the others."""

import random
import socket
import struct
import time

# Linux socket options that Python does not name (asm-generic/socket.h).
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER_BYTES = 8 << 20


class LossySocket:
    """Loss is drawn once per datagram, from one generator per direction: the fate of the n-th
    datagram of a direction depends on the seed alone, never on timing."""

    def __init__(self, host, loss, seed):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.loss = loss
        self.fates = {"in": random.Random(f"{seed}/in"), "out": random.Random(f"{seed}/out")}
        self.kernel_drops = 0

    def fileno(self):
        return self.socket.fileno()

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def _is_lost(self, direction):
        return self.fates[direction].random() < self.loss

    def send(self, datagram, destination):
        """Whether it left: False when the seed, or a full send buffer, took it."""
        if self._is_lost("out"):
            return False
        try:
            self.socket.sendto(datagram, destination)
        except (BlockingIOError, ConnectionRefusedError):
            return False
        return True

    def receive(self):
        """(datagram, source, arrival in seconds, lost), or None when there is none."""
        try:
            datagram, ancillary, _, source = self.socket.recvmsg(65535, 256)
        except (BlockingIOError, ConnectionRefusedError):
            return None
        arrival = time.time()
        for level, kind, value in ancillary:
            if level != socket.SOL_SOCKET:
                continue
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                arrival = seconds + nanoseconds / 1e9
            elif kind == SO_RXQ_OVFL:
                (self.kernel_drops,) = struct.unpack("I", value[:4])
        return datagram, source[:2], arrival, self._is_lost("in")
