"""The Noise handshake and the transport ciphers of one connection, on PyPI `noiseprotocol`."""

import struct
import warnings

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseMaxNonceError

from wire import CONNECTION_ID_LENGTH, NONCE_LENGTH, PROTOCOL_NAME


def public_key(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


class Session:
    """One side of one connection: makes and opens datagrams, knows nothing of segments."""

    def __init__(self, initiator, connection_id, static_private, ephemeral_private=None):
        self.connection_id = connection_id
        self.noise = NoiseConnection.from_name(PROTOCOL_NAME)
        if initiator:
            self.noise.set_as_initiator()
        else:
            self.noise.set_as_responder()
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, static_private)
        if ephemeral_private is not None:  # Only to replay a recording.
            self.noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral_private)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.noise.start_handshake()
        # The library forgets its handshake state at the end; the peer's static key is in it.
        self._handshake = self.noise.noise_protocol.handshake_state

    @property
    def established(self):
        return self.noise.handshake_finished

    @property
    def remote_static_key(self):
        return self._handshake.rs.public_bytes

    @property
    def handshake_hash(self):
        return self.noise.get_handshake_hash()

    def write_handshake(self):
        return self.connection_id + bytes(self.noise.write_message(b""))

    def read_handshake(self, datagram):
        """The payload of a handshake datagram; raises on one that fails authentication."""
        return bytes(self.noise.read_message(datagram[CONNECTION_ID_LENGTH:]))

    def seal(self, plaintext):
        cipher = self.noise.noise_protocol.cipher_state_encrypt
        nonce = struct.pack(">Q", cipher.n)
        return self.connection_id + nonce + cipher.encrypt_with_ad(None, plaintext)

    def open(self, datagram):
        """(nonce, plaintext), or None when the datagram does not authenticate."""
        start = CONNECTION_ID_LENGTH + NONCE_LENGTH
        (nonce,) = struct.unpack_from(">Q", datagram, CONNECTION_ID_LENGTH)
        cipher = self.noise.noise_protocol.cipher_state_decrypt
        cipher.set_nonce(nonce)
        try:
            return nonce, cipher.decrypt_with_ad(None, datagram[start:])
        except (InvalidTag, NoiseMaxNonceError):
            return None
