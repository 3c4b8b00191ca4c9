# SPDX-License-Identifier: Apache-2.0
"""browser: a headless Chromium over its debugging pipe (JSON, NUL-separated: no port, no third-party module)."""
import base64
import json
import os
import select
import signal
import subprocess
import time


class Broken(Exception):
    pass


class Browser:
    def __init__(self, profile, program="chromium", deadline=30):
        self.deadline = deadline
        to_child, self.write_fd = os.pipe()
        self.read_fd, from_child = os.pipe()

        def fds():  # Chromium reads from 3 and writes to 4
            a, b = os.dup(to_child), os.dup(from_child)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--mute-audio", f"--user-data-dir={profile}",
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=fds, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_child)
        os.close(from_child)
        self.buffer, self.last, self.answers, self.session = b"", 0, {}, None
        self.complaints = []  # what no page of ours may have: errors, exceptions, breaches of the CSP
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Network.setCacheDisabled", cacheDisabled=True)

    def close(self):
        try:  # asked, it waits for its processes
            self.session = None
            self.send("Browser.close")
            self.process.wait(10)
        except (Broken, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # what is left of its session
        except ProcessLookupError:
            pass
        self.process.wait()

    def read(self, until):
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.read_fd], [], [], left)[0]:
            raise Broken("the browser does not answer")
        got = os.read(self.read_fd, 1 << 20)
        if not got:
            raise Broken("the browser has ended")
        *whole, self.buffer = (self.buffer + got).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.heard(message["method"], message.get("params", {}))

    def heard(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(f"console: {[a.get('value', a.get('description')) for a in params['args']]}")
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")

    def send(self, method, **params):
        self.last += 1
        number = self.last
        message = {"id": number, "method": method, "params": params}
        if self.session and not method.startswith("Target."):
            message["sessionId"] = self.session
        try:
            os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        except OSError as e:
            raise Broken("the browser has ended") from e
        until = time.monotonic() + self.deadline
        while number not in self.answers:
            self.read(until)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Broken(f"{method}: {answer['error']['message']}")
        return answer.get("result", {})

    def value(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Broken(f"{expression}: {result['exceptionDetails']['exception'].get('description')}")
        return result["result"].get("value")

    def wait(self, expression, what=None):
        until = time.monotonic() + self.deadline
        while True:
            got = self.value(f"!!({expression})")
            if got:
                return got
            if time.monotonic() > until:
                raise Broken(f"waited in vain for {what or expression}")
            time.sleep(0.05)

    def open(self, url):
        if url.split("#")[0] == self.value("location.href").split("#")[0]:
            self.value(f"location.hash = {json.dumps('#' + url.split('#', 1)[1] if '#' in url else '')}")
        else:
            self.send("Page.navigate", url=url)

    def key(self, name, text=None, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        event = {"key": name, "windowsVirtualKeyCode": codes.get(name, 0), "modifiers": 8 if shift else 0}
        text = text or {"Enter": "\r", " ": " "}.get(name)
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def look(self, width, height, scheme="light", media="", motion="no-preference"):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme},
                                                                      {"name": "prefers-reduced-motion", "value": motion}])

    def shot(self, path):
        size = self.value("[document.documentElement.scrollWidth, Math.min(document.documentElement.scrollHeight, 6000)]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
