"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, a new one every 30 seconds)."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

STEP = 30
"""Seconds for which a password is valid."""


def totp(secret: str, at: float) -> str:
    """Return the password of a moment, in seconds since 1970; the secret is in base 32."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    mac = hmac.digest(key, int(at // STEP).to_bytes(8, "big"), "sha1")
    place = mac[-1] & 0x0F
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


@dataclass
class Authenticator:
    """An authenticator app, which gives no password twice: Cognito accepts each only once."""

    secret: str = field(repr=False)
    now: Callable[[], float]
    sleep: Callable[[float], None]
    _last: int = -1

    def code(self) -> str:
        """Return a password that was not given before; that may take up to 30 s."""
        step = int(self.now() // STEP)
        if step <= self._last:
            self.sleep((self._last + 1) * STEP - self.now())
            step = self._last + 1
        self._last = step
        return totp(self.secret, step * STEP)
