"""A stand-in for the services that the scorer calls: Parameter Store, S3 and SQS, over HTTP on loopback.

Run as ``python -m benchmarks.online_stand_in FOLDER``; it prints its port. Objects are files in the folder,
``parameters.json`` has the parameters by name, and each message is counted and dropped.
"""

import hashlib
import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class StandIn(BaseHTTPRequestHandler):
    """Answers the calls of botocore that the scorer makes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for the head and the body of an answer
    folder: Path

    def do_GET(self) -> None:
        """Return an object."""
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if path.is_file():
            self._answer(200, path.read_bytes(), "binary/octet-stream")
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")

    def do_POST(self) -> None:
        """Return parameters, or accept a message."""
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        operation = self.headers["x-amz-target"].rpartition(".")[2]
        answer: dict[str, Any]
        if operation == "SendMessage":
            digest = hashlib.md5(request["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            answer = {"MessageId": "0" * 8, "MD5OfMessageBody": digest}
        else:
            known = json.loads((self.folder / "parameters.json").read_text("utf-8"))
            found = [{"Name": name, "Value": known[name]} for name in request["Names"] if name in known]
            answer = {"Parameters": found, "InvalidParameters": []}
        self._answer(200, json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no log."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until the process is terminated."""
    StandIn.folder = Path(sys.argv[1])
    with _Server(("127.0.0.1", 0), StandIn) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
