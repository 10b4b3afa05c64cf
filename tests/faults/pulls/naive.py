"""The control: pulls as many programs do, by "watermark greater than the last one", a page at a time."""

from typing import Any

from tests.faults.pulls.origin import Origin, RowKey, Version


class NaivePull:
    """Keeps the greatest watermark that it has seen; what is committed below it later is never read."""

    def __init__(self, origin: Origin, key: tuple[str, ...], page: int) -> None:
        self._origin, self._key, self._page = origin, key, page
        self._last: Any = None
        self._pulled: dict[RowKey, int] = {}

    def pull(self) -> None:
        """Pull pages until one is not full."""
        try:
            connection = self._origin.connect()
        except self._origin.broken:
            return
        try:
            with connection.cursor() as cursor:
                while self._pull_page(cursor) == self._page:
                    pass
        except self._origin.broken:
            return
        finally:
            connection.close()

    def _pull_page(self, cursor: Any) -> int:
        newer, values = ("WHERE updated_at > %s", (self._last,)) if self._last is not None else ("", ())
        cursor.execute(
            f"SELECT updated_at, revision, {', '.join(self._key)} FROM {self._origin.table} {newer}"
            f" ORDER BY updated_at IS NULL, updated_at LIMIT {self._page}",
            values,
        )
        rows = cursor.fetchall()
        for watermark, revision, *key in rows:
            self._pulled[tuple(key)] = revision
            self._last = watermark if watermark is not None else self._last
        if rows and rows[-1][0] is None:
            return 0  # rows without a watermark would come again for ever
        return len(rows)

    def missed(self, newest: dict[RowKey, Version]) -> int:
        """Return how many rows of the table it does not have as they are now."""
        return sum(self._pulled.get(key) != version.revision for key, version in newest.items())
