#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A container engine that only remembers: fake_engine.py SOCKET WORLD LOG

WORLD is JSON: flavour ("docker", "podman"), networks, containers, volumes (lists as the engine's own), info (answer to /info and
/libpod/info), fail (a path to the status it is answered with). Filters are ignored, as by an engine that does not know them. Requests
other than GET go to LOG, one a line; what is deleted is gone; who has a network in use is told so."""
import json
import os
import re
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

SOCKET, WORLD, LOG = sys.argv[1:]
with open(WORLD, encoding="utf-8") as file:
    world = json.load(file)
PODMAN = world["flavour"] == "podman"
KEYS = {"networks": "Name", "containers": "Id", "volumes": "Name"}


class Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "local"

    def answer(self, status, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do(self):
        path = re.sub(r"^/v[0-9.]+", "", unquote(urlsplit(self.path).path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command != "GET":
            with open(LOG, "a", encoding="utf-8") as log:
                log.write(f"{self.command} {path}\n")
        if path in world.get("fail", {}):
            return self.answer(world["fail"][path], {"message": "told to fail"})
        if path == "/_ping":
            return self.answer(200)
        if path == "/version":
            return self.answer(200, {"Components": [{"Name": "Podman Engine" if PODMAN else "Engine"}]})
        if path in ("/info", "/libpod/info"):
            return self.answer(200, world.get("info", {}))
        if path == "/images/json":
            return self.answer(200, [])
        lists = {"/networks": "networks", "/containers/json": "containers", "/volumes": "volumes"}
        if path in lists and self.command == "GET":
            items = world.get(lists[path], [])
            return self.answer(200, {"Volumes": items, "Warnings": []} if path == "/volumes" else items)
        what, _, name = path[1:].partition("/")
        name = name.removesuffix("/json")
        found = [item for item in world.get(what, []) if isinstance(item, dict) and item.get(KEYS.get(what, "")) == name]
        if not found:
            return self.answer(404, {"message": f"no such thing: {path}"})
        if self.command == "GET":
            return self.answer(200, found[0])
        if self.command != "DELETE":
            return self.answer(500, {"message": "not made for this"})
        world[what].remove(found[0])
        return self.answer(204)

    do_GET = do_DELETE = do_POST = do


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


with Server(SOCKET + ".new", Engine) as server:
    os.rename(SOCKET + ".new", SOCKET)
    server.serve_forever()
