"""A headless Chromium as a child, told what to do through its debugging pipe; the standard library alone."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a browser of its own; used with `with`. `complaints` is what its console said."""

    def __init__(self, program, address, limit=80):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.until = time.monotonic() + limit
        self.complaints, self.number, self.held = [], 0, b""
        their_in, self.to = os.pipe()
        self.from_, their_out = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}", "--window-size=1000,1400", "about:blank"]
        line = f'exec "$@" 3<&{their_in} 4>&{their_out}'
        self.process = subprocess.Popen(["bash", "-c", line, "sh", program, *flags], pass_fds=(their_in, their_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        self.session = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.do(f"{domain}.enable")
        self.do("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.from_)
        self.folder.cleanup()

    def do(self, method, **parameters):
        """A command of the DevTools protocol and its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._receive()
            if found.get("id") == self.number:
                assert "error" not in found, (method, found["error"])
                return found["result"]
            if found.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(found["params"]["exceptionDetails"])
            if found.get("method") == "Log.entryAdded" and found["params"]["entry"]["level"] == "error":
                self.complaints.append(found["params"]["entry"])

    def _receive(self):
        while b"\0" not in self.held:
            left = self.until - time.monotonic()
            if left <= 0 or not select.select([self.from_], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.from_, 1 << 16)
            if not data:
                raise EOFError("the browser has ended")
            self.held += data
        message, self.held = self.held.split(b"\0", 1)
        return json.loads(message)

    def value(self, expression):
        """What a JavaScript expression, or the promise that it is, comes to."""
        result = self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, (expression, result["exceptionDetails"])
        return result["result"].get("value")

    def wait(self, expression):
        while not self.value(expression):
            assert time.monotonic() < self.until, f"never: {expression}"
            time.sleep(0.02)

    def center(self, selector):
        box = self.value(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
                         f" return [r.x, r.y, r.width, r.height]; }})(document.querySelector('{selector}'))")
        return box[0] + box[2] / 2, box[1] + box[3] / 2, box[2], box[3]

    def mouse(self, kind, x, y):
        self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def click(self, selector):
        self.value(f"document.querySelector('{selector}').click()")

    def drag(self, selector, points):
        """Draw with the mouse; points are parts of the width and height of an element."""
        x, y, width, height = self.center(selector)
        steps = [(x + (a - 0.5) * width, y + (b - 0.5) * height) for a, b in points]
        self.mouse("mousePressed", *steps[0])
        for step in steps:
            self.mouse("mouseMoved", *step)
        self.mouse("mouseReleased", *steps[-1])

    def write(self, selector, text):
        self.value(f"(e => {{ e.focus(); e.select(); }})(document.querySelector('{selector}'))")
        self.do("Input.insertText", text=text)

    def drop(self, path):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.do("Input.dispatchDragEvent", type=kind, x=200, y=200, data=data)
