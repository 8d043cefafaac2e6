"""Serve folders as buckets of Google Cloud Storage: `python serve_gcs.py FOLDER PORT`.

It has what a client that reads files asks for: metadata, content, and tokens of a service account.

Source: the reference of the JSON API of Cloud Storage; RFC 7523 for the token.
"""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

FOLDER = Path(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = form["assertion"][0].split(".")[1]
        account = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]
        self.reply(200, {"access_token": account, "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("Authorization") != "Bearer me@models":
            self.reply(401, {"error": {"code": 401, "message": "Invalid Credentials"}})
            return
        bucket, _, name = parts.path.partition("/b/")[2].partition("/o")
        path = FOLDER / bucket / unquote(name.lstrip("/"))
        if not name.strip("/"):
            self.reply(200, {"kind": "storage#objects"})
        elif not path.is_file():
            self.reply(404, {"error": {"code": 404, "message": "No such object"}})
        elif "media" in parts.query:
            self.reply(200, path.read_bytes())
        else:
            facts = path.stat()
            found = {"name": unquote(name.lstrip("/")), "bucket": bucket, "size": str(facts.st_size)}
            self.reply(
                200, {**found, "generation": str(facts.st_mtime_ns), "updated": "2026-01-01T00:00:00Z"}
            )

    def reply(self, status: int, body: object) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
