"""A model hub on this machine, which can be told to misbehave."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".onnx", ".safetensors", ".onnx_data")


class Hub:
    """Serves folders in the hub's layout, as org/name, and logs what was asked.

    `stop_after`: bytes after which the answer with a large file breaks off, once; with `stalls` it
    waits there until `stalled` is set. `corrupt`: the
    file whose bytes are not those that its checksum was made of. `gated`: repositories behind a
    licence. `tags`: names of revisions beside main, and their commits.
    """

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}
        self.asked: list[str] = []
        self.sent: dict[str, int] = {}
        self.tags = {"main": COMMIT}
        self.gated: set[str] = set()
        self.invented: list[str] = []
        self.corrupt = ""
        self.stop_after = 0
        self.stalls = False
        self.stalled = threading.Event()
        self.parameters: int | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET

            def log_message(self, format: str, *values: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def fetched(self) -> list[str]:
        """The files that were sent, at least in part."""
        return sorted(self.sent)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        self.asked.append(path)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and parts[4:5] == ["revision"]:
            self._describe(request, "/".join(parts[2:4]), "/".join(parts[5:]))
        elif parts[2:3] == ["resolve"]:
            self._send_file(request, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._refuse(request, 404, "RepoNotFound")

    def _describe(self, request: BaseHTTPRequestHandler, repo: str, revision: str) -> None:
        if repo in self.gated:
            return self._refuse(request, 403, "GatedRepo")
        if repo not in self.folders:
            return self._refuse(request, 404, "RepoNotFound")
        commit = self.tags.get(revision, revision if revision in self.tags.values() else None)
        if commit is None:
            return self._refuse(request, 404, "RevisionNotFound")
        folder = self.folders[repo]
        told: dict[str, object] = {"id": repo, "sha": commit}
        told["siblings"] = [_sibling(folder, p) for p in folder.rglob("*") if p.is_file()] + [
            {"rfilename": name, "size": 1} for name in self.invented
        ]
        if self.parameters is not None:
            told["safetensors"] = {"parameters": {"F32": 1}, "total": self.parameters}
        self._send(request, 200, json.dumps(told).encode(), {})

    def _send_file(
        self, request: BaseHTTPRequestHandler, repo: str, commit: str, name: str
    ) -> None:
        file = self.folders.get(repo, Path("/nowhere")) / name
        if not file.is_file():
            return self._refuse(request, 404, "EntryNotFound")
        body = file.read_bytes()
        etag = sha256(body).hexdigest()
        if name == self.corrupt:
            body = body[:-1] + bytes([body[-1] ^ 1])
        first, headers = 0, {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        headers["X-Linked-Etag" if name.endswith(LARGE) else "ETag"] = f'"{etag}"'
        headers["X-Linked-Size"] = str(len(body))
        asked = request.headers.get("Range", "")
        if asked:
            first = int(asked.removeprefix("bytes=").partition("-")[0])
            if first >= len(body):
                return self._refuse(request, 416, "")
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        rest = body[first:]
        if request.command == "GET":
            self.sent[name] = self.sent.get(name, 0) + len(rest)
        stop = self.stop_after if name.endswith(LARGE) and request.command == "GET" else 0
        if stop:
            self.stop_after = 0
            self.sent[name] -= len(rest) - stop
        self._send(request, 206 if asked else 200, rest, headers, stop)

    def _refuse(self, request: BaseHTTPRequestHandler, status: int, code: str) -> None:
        self._send(request, status, b"{}", {"X-Error-Code": code})

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        stop: int = 0,
    ) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body[: stop or None])
        if stop:
            if self.stalls:
                self.stalled.wait(60)
            request.close_connection = True


@contextmanager
def served(hub: Hub, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Runs the hub in a thread, and has it asked instead of the one in the world."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(folder / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    thread = threading.Thread(target=partial(hub.server.serve_forever, 0.02))
    thread.start()
    try:
        yield
    finally:
        hub.stalled.set()
        hub.server.shutdown()
        thread.join()
        hub.server.server_close()


def _sibling(folder: Path, path: Path) -> dict[str, object]:
    told: dict[str, object] = {
        "rfilename": path.relative_to(folder).as_posix(),
        "size": path.stat().st_size,
    }
    if path.name.endswith(LARGE):
        digest = sha256(path.read_bytes()).hexdigest()
        told["lfs"] = {"size": path.stat().st_size, "sha256": digest, "pointerSize": 130}
    return told
