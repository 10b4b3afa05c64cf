"""Time-based one-time passwords of a temporary person (RFC 6238)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyotp

STEP = 30
"""Seconds for which a password is valid."""


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
        return pyotp.TOTP(self.secret, interval=STEP).at(step * STEP)
