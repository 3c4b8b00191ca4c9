# SPDX-License-Identifier: Apache-2.0
# crash_load.py BASE CLIENTS ACCEPTED PACKAGE...: clients that submit runs as fast as they are taken, until nobody answers any more. What was accepted
# (202) is a line of ACCEPTED, written before the next one is asked for.
import http.client, itertools, json, sys, threading, time, urllib.parse

base, clients, accepted, packages = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "a", buffering=1), sys.argv[4:]
bodies = [open(p, "rb").read() for p in packages]
address = urllib.parse.urlsplit(base).netloc
lock = threading.Lock()
other = []

def client(number):
    connection = http.client.HTTPConnection(address, timeout=60)
    for turn in itertools.count(number):
        try:
            connection.request("POST", "/v1/runs", bodies[turn % len(bodies)], {"Content-Type": "application/yaml"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 202:
            with lock:
                accepted.write(json.loads(body)["run_id"] + "\n")
        elif answer.status in (429, 503):
            time.sleep(0.05)
        else:
            with lock:
                other.append("%d %s" % (answer.status, body[:300]))
            return

threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
for t in threads: t.start()
for t in threads: t.join()
print("\n".join(other))
sys.exit(bool(other))
