"""ins1-server as a child, and how the tests talk to it; the standard library alone."""
import base64
import http.client
import json
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import time
import zlib


class Server:
    """A running server; used with `with`. `log` is what it printed, once it has ended."""

    def __init__(self, program, model, *flags, environment=None):
        self.folder = tempfile.TemporaryDirectory()
        ports = pathlib.Path(self.folder.name) / "port"
        self.errors = open(pathlib.Path(self.folder.name) / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, model, "--port", "0", "--port-file", ports, "--threads", "2", *flags], stderr=self.errors,
            env={**os.environ, **(environment or {})},
        )
        begin = time.monotonic()
        while not ports.exists():
            if self.process.poll() is not None or time.monotonic() > begin + 120:
                raise RuntimeError(f"the server did not start: {self.text()}")
            time.sleep(0.02)
        self.port = int(ports.read_text())

    def __enter__(self):
        return self

    def __exit__(self, failure=None, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.log = self.text()
        self.errors.close()
        self.folder.cleanup()
        # A sanitizer that has something to say ends the program with another status.
        if self.process.returncode != 0 and not failure:
            raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log}")

    def text(self):
        self.errors.flush()
        return pathlib.Path(self.errors.name).read_text(encoding="utf-8")

    def memory(self):
        """Bytes of resident memory that is no file's."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))

    def connect(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers or {})

    def post(self, path, body, headers=None, connection=None):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.request("POST", path, data, {"Content-Type": "application/json", **(headers or {})}, connection)

    def request(self, method, path, data, headers, connection=None):
        """Status, headers and what the body says as JSON, or its text."""
        own = connection or self.connect()
        try:
            own.request(method, path, data, headers)
            response = own.getresponse()
            body = response.read().decode()
            try:
                body = json.loads(body)
            except ValueError:
                pass
            return response.status, response.headers, body
        finally:
            if not connection:
                own.close()

    def chat(self, text, **fields):
        """The answer to one message, or to a list of messages."""
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        status, _, body = self.post("/v1/chat/completions", {"messages": messages, **fields})
        assert status == 200, (status, body)
        return body

    def stream(self, path, fields):
        """The events of a stream, as they come; the last one, [DONE], is not among them."""
        connection = self.connect()
        try:
            connection.request("POST", path, json.dumps({**fields, "stream": True}), {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            assert response.headers["Content-Type"] == "text/event-stream"
            while line := response.readline():
                if line.startswith(b"data: "):
                    if line.strip() == b"data: [DONE]":
                        return
                    yield json.loads(line[6:])
        finally:
            connection.close()


def joined(events):
    """Reasoning and content of the first reply of a stream."""
    reasoning = content = ""
    for event in events:
        for choice in event["choices"]:
            reasoning += choice["delta"].get("reasoning_content") or ""
            content += choice["delta"].get("content") or ""
    return reasoning, content


def png(width=64, height=64, color=(200, 40, 40)):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(color) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(samples, rate=100):
    data = struct.pack(f"<{len(samples)}h", *samples)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16,
                       b"data", len(data))
    return head + data


def data_url(kind, data):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def skip(why):
    print(f"skipped: {why}")
    os._exit(77)
