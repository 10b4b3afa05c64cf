"""The two families of error: data that is refused, and faults that pass.

Refused data is recorded and acknowledged; nothing that arrives twice becomes better by trying twice.
A passing fault is raised and retried. The class names are a contract: the state machine matches them.
"""


class ClaimwatchError(Exception):
    """Anything that Claimwatch itself reports."""


class RefusedData(ClaimwatchError):
    """Data that cannot be taken; the message says what is wrong, where, and what to do."""


class RefusedFile(RefusedData):
    """A file that cannot be loaded at all."""


class RefusedPhoto(RefusedData):
    """A photo that cannot be shown; one sentence says what is wrong with it and what to do."""


class RefusedContract(RefusedData):
    """A contract that cannot be read or applied.

    ``problems`` holds one sentence for each thing that is wrong, each naming the column or the key.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TransientFault(ClaimwatchError):
    """A fault that passes by itself: a lost connection, a throttled call, a database that wakes up."""


class EngineFault(ClaimwatchError):
    """The engine that reads claims failed over some; the message quotes none of them."""


class Superseded(ClaimwatchError):
    """The attempt that asks for this work has been replaced by a newer one of the same file."""
