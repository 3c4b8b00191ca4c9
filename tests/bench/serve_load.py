#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""serve_load: what the service bears, measured from outside. Part of scripts/bench-serve, which starts the service.

  serve_load.py dry-runs URL PACKAGE CLIENTS SECONDS   synchronous dry runs by so many clients at once: rate, percentiles, answers by status
  serve_load.py sequence URL PACKAGE COUNT PID         one after another: memory of PID at the beginning, in the middle, at the end
  serve_load.py streams URL PACKAGE COUNT PID          idle event streams on one run that waits: memory of PID without and with them

Prints one JSON object. Nothing but the standard library; HTTP by hand, so that the client takes little of the processors.
"""
import asyncio, json, os, sys, time, urllib.parse


def address(url):
    u = urllib.parse.urlsplit(url)
    return u.hostname, u.port


async def answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(lines[0].split()[1]), headers, body


def request(method, path, host, body=b"", kind="application/json", more=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n").encode() + body


class Client:
    def __init__(self, url):
        self.host, self.port = address(url)
        self.name = f"{self.host}:{self.port}"
        self.reader = self.writer = None

    async def call(self, *args, **more):
        if not self.writer:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(request(args[0], args[1], self.name, *args[2:], **more))
        try:
            status, headers, body = await answer(self.reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.writer = None
            return 0, {}, b""
        if headers.get("connection", "").lower() == "close":
            self.writer.close()
            self.writer = None
        return status, headers, body


def multipart(package):
    with open(package, "rb") as f:
        content = f.read()
    edge = "----load"
    body = (f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="package.wpk.yaml"\r\n'
            f"Content-Type: application/x-yaml\r\n\r\n").encode() + content + f"\r\n--{edge}--\r\n".encode()
    return body, f"multipart/form-data; boundary={edge}"


async def register(url, package):
    status, _, body = await Client(url).call("POST", "/workflows", *multipart(package))
    if status != 200:
        sys.exit(f"serve_load: registering answered {status}: {body[:300]!r}")
    return json.loads(body)["workflow_id"]


def kib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name + ":"))


async def dry_runs(url, package, clients, seconds):
    workflow = await register(url, package)
    taken, statuses, invalid = [], {}, 0
    end = time.monotonic() + seconds

    async def one():
        nonlocal invalid
        c = Client(url)
        while (begin := time.monotonic()) < end:
            status, headers, body = await c.call("POST", f"/workflows/{workflow}/dry-run")
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200:
                taken.append(time.monotonic() - begin)
                invalid += json.loads(body).get("valid") is not True
            elif status == 429:
                await asyncio.sleep(min(float(headers.get("retry-after", 1)), 2))
    begin = time.monotonic()
    await asyncio.gather(*(one() for _ in range(clients)))
    took = time.monotonic() - begin
    taken.sort()
    return {"clients": clients, "seconds": round(took, 2), "dry_runs": len(taken), "per_second": round(len(taken) / took, 1),
            "p50_ms": round(1e3 * taken[len(taken) // 2], 1), "p99_ms": round(1e3 * taken[int(len(taken) * 0.99)], 1),
            "max_ms": round(1e3 * taken[-1], 1), "answers": statuses, "not_valid": invalid}


async def sequence(url, package, count, pid):
    workflow = await register(url, package)
    c, memory, bad = Client(url), [], 0
    marks = {max(1, count // 10), count // 2, count}
    for i in range(1, count + 1):
        status, _, _ = await c.call("POST", f"/workflows/{workflow}/dry-run")
        bad += status != 200
        if i in marks:
            memory.append({"after": i, "rss_kib": kib(pid), "descriptors": len(os.listdir(f"/proc/{pid}/fd"))})
    return {"dry_runs": count, "failed": bad, "memory": memory}


async def streams(url, package, count, pid):
    c = Client(url)
    with open(package, "rb") as f:
        status, _, body = await c.call("POST", "/v1/runs", f.read(), "application/yaml")
    if status != 202:
        sys.exit(f"serve_load: POST /v1/runs answered {status}: {body[:300]!r}")
    run = json.loads(body)["run_id"]
    await asyncio.sleep(2)
    before, open_streams = kib(pid), []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(c.host, c.port)
        writer.write(request("GET", f"/v1/runs/{run}/events", c.name, more="Accept: text/event-stream\r\n"))
        open_streams.append((reader, writer))
    good = 0
    for reader, _ in open_streams:
        good += b" 200 " in await reader.readline()
    await asyncio.sleep(2)
    after = kib(pid)
    cpu = [int(x) for x in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]]
    await asyncio.sleep(5)
    later = [int(x) for x in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]]
    for _, writer in open_streams:
        writer.close()
    await c.call("POST", f"/v1/runs/{run}/cancel")
    return {"streams": good, "rss_kib_without": before, "rss_kib_with": after, "kib_each": round((after - before) / max(1, good), 1),
            "idle_cpu_percent": round((sum(later) - sum(cpu)) / os.sysconf("SC_CLK_TCK") / 5 * 100, 2)}


def main():
    if len(sys.argv) != 6 or sys.argv[1] not in ("dry-runs", "sequence", "streams"):
        sys.exit(__doc__)
    what, url, package, a, b = sys.argv[1:]
    job = {"dry-runs": lambda: dry_runs(url, package, int(a), float(b)), "sequence": lambda: sequence(url, package, int(a), int(b)),
           "streams": lambda: streams(url, package, int(a), int(b))}[what]
    print(json.dumps(asyncio.run(job())))


main()
