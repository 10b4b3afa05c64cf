"""The password proof of Amazon Cognito (SRP-6a with SHA-256, in the 3072-bit group of RFC 3526)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
_G = 2
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _padded(number: int) -> bytes:
    """Return the bytes of a number, with a zero in front if the first bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


_K = _hash(_padded(_N), _padded(_G))


@dataclass(frozen=True)
class Proof:
    """Proves that somebody knows the password of a person of a user pool, without sending it."""

    pool: str
    password: str = field(repr=False)
    secret: int = field(default_factory=lambda: secrets.randbelow(_N - 2) + 1, repr=False)

    @property
    def public(self) -> str:
        """The value SRP_A of the first request, in hexadecimal digits."""
        return f"{pow(_G, self.secret, _N):x}"

    def answer(self, challenge: Mapping[str, str], at: datetime) -> dict[str, str]:
        """Return the answer to the challenge PASSWORD_VERIFIER; ``at`` is now, in UTC."""
        person, block = challenge["USER_ID_FOR_SRP"], base64.b64decode(challenge["SECRET_BLOCK"])
        whom = self.pool.split("_", 1)[1] + person
        moment = f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day} {at:%H:%M:%S} UTC {at.year}"
        key = self._key(whom, int(challenge["SALT"], 16), int(challenge["SRP_B"], 16))
        signature = hmac.digest(key, whom.encode() + block + moment.encode(), "sha256")
        return {
            "USERNAME": person,
            "TIMESTAMP": moment,
            "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signature).decode(),
        }

    def _key(self, whom: str, salt: int, theirs: int) -> bytes:
        scrambler = _hash(_padded(pow(_G, self.secret, _N)), _padded(theirs))
        if theirs % _N == 0 or scrambler == 0:
            raise ValueError("the server's value is not valid")
        person = _hash(_padded(salt), hashlib.sha256(f"{whom}:{self.password}".encode()).digest())
        shared = pow(theirs - _K * pow(_G, person, _N), self.secret + scrambler * person, _N)
        extracted = hmac.digest(_padded(scrambler), _padded(shared), "sha256")
        return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
