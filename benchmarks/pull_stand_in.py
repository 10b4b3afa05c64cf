"""A stand-in for S3 that receives objects in parts, hashes them as S3 does, and keeps their sizes only.

Run as ``python -m benchmarks.pull_stand_in``; it prints its port. It answers the calls of an upload in parts
and of the listing of versions.
"""

import hashlib
import itertools
import socketserver
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_BLOCK = 1 << 20


class StandIn(BaseHTTPRequestHandler):
    """Answers the calls that an upload in parts makes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for the head and the body of an answer
    numbers = itertools.count(1)
    uploads: dict[str, dict[int, tuple[str, int]]] = {}  # noqa: RUF012 - all connections share them
    versions: dict[str, tuple[str, str, int]] = {}  # noqa: RUF012

    def do_POST(self) -> None:
        """Begin or complete an upload."""
        key, query = self._request()
        self._body()
        if "uploads" in query:
            upload = str(next(self.numbers))
            self.uploads[upload] = {}
            self._answer("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
            return
        parts = [part for _, part in sorted(self.uploads.pop(query["uploadId"][0]).items())]
        digest = hashlib.md5(b"".join(bytes.fromhex(etag) for etag, _ in parts), usedforsecurity=False)
        etag, version = f'"{digest.hexdigest()}-{len(parts)}"', str(next(self.numbers))
        self.versions[key] = (version, etag, sum(size for _, size in parts))
        self._answer("CompleteMultipartUploadResult", f"<ETag>{escape(etag)}</ETag>", version=version)

    def do_PUT(self) -> None:
        """Receive a part."""
        _, query = self._request()
        etag, size = self._body()
        self.uploads[query["uploadId"][0]][int(query["partNumber"][0])] = (etag, size)
        self._answer(None, "", etag=f'"{etag}"')

    def do_GET(self) -> None:
        """List the version of a key."""
        _, query = self._request()
        prefix = query.get("prefix", [""])[0]
        found = [(key, *version) for key, version in self.versions.items() if key.startswith(prefix)]
        listed = "".join(
            f"<Version><Key>{escape(key)}</Key><VersionId>{version}</VersionId><IsLatest>true</IsLatest>"
            f"<ETag>{escape(etag)}</ETag><Size>{size}</Size></Version>"
            for key, version, etag, size in sorted(found)
        )
        self._answer("ListVersionsResult", listed)

    def do_DELETE(self) -> None:
        """Abort an upload."""
        _, query = self._request()
        self.uploads.pop(query["uploadId"][0], None)
        self._answer(None, "")

    def handle_expect_100(self) -> bool:
        """Let the client send the body at once."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def _request(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        return key, parse_qs(parts.query, keep_blank_values=True)

    def _body(self) -> tuple[str, int]:
        """Read the body; return its MD5 and its size."""
        size = remaining = int(self.headers["content-length"] or 0)
        digest = hashlib.md5(usedforsecurity=False)
        while remaining and (block := self.rfile.read(min(remaining, _BLOCK))):
            digest.update(block)
            remaining -= len(block)
        return digest.hexdigest(), size

    def _answer(self, name: str | None, text: str, *, etag: str = "", version: str = "") -> None:
        body = f"<?xml version='1.0'?><{name}>{text}</{name}>".encode() if name else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", etag)
        if version:
            self.send_header("x-amz-version-id", version)
        self.end_headers()
        self.wfile.write(body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    with _Server(("127.0.0.1", 0), StandIn) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
