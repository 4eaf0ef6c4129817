"""A small API server: what kubectl asks of a real one to apply and delete objects.

Discovery, the few words of OpenAPI that kubectl looks for, and objects in memory.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KINDS = {
    "v1": ("configmaps", "ConfigMap"),
    "ray.io/v1": ("rayjobs", "RayJob"),
}


class ApiServer(ThreadingHTTPServer):
    """``objects`` by path; ``asked``: every request; ``refuse(method, path, body)``."""

    def __init__(self, kinds=KINDS):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kinds, self.objects, self.asked = kinds, {}, []
        self.refuse = lambda *_: None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kubeconfig(self):
        """What a user's ~/.kube/config would say of it."""
        address = f"http://127.0.0.1:{self.server_address[1]}"
        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "stub",
            "clusters": [{"name": "stub", "cluster": {"server": address}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub",
                                                      "user": "me"}}],
        })  # fmt: skip

    def changes(self):
        """The requests that changed something: method, path, query."""
        return [
            (method, path, query) for method, path, query in self.asked
            if method != "GET" and "dryRun" not in query
        ]  # fmt: skip


def _versions(kinds):
    named = [version for version in kinds if "/" in version]
    groups = [
        {"name": v.split("/")[0], "versions": [_of(v)], "preferredVersion": _of(v)}
        for v in named
    ]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _of(version):
    return {"groupVersion": version, "version": version.split("/")[1]}


def _resources(version, kinds):
    plural, kind = kinds[version]
    verbs = ["create", "delete", "get", "list", "patch", "watch"]
    one = {"name": plural, "singularName": kind.lower(), "namespaced": True,
           "kind": kind, "verbs": verbs}  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
            "resources": [one]}  # fmt: skip


def _openapi(version, kinds):
    """That this kind may be patched, and that wrong fields can be refused."""
    group, _, number = version.rpartition("/")
    about = {"group": group, "version": number, "kind": kinds[version][1]}
    patch = {
        "x-kubernetes-group-version-kind": about,
        "x-kubernetes-action": "patch",
        "parameters": [{"name": "fieldValidation", "in": "query"}],
        "responses": {},
    }
    return {"openapi": "3.0.0", "info": {"title": "stub", "version": "1"},
            "paths": {f"/{kinds[version][0]}/{{name}}": {"patch": patch}}}  # fmt: skip


def _field(number, value):
    """A text or a message in protobuf."""
    data = value.encode() if isinstance(value, str) else value
    size, length = len(data), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def _swagger(kinds):
    """OpenAPI 2 in protobuf, for older kubectl: each kind may be tried (dryRun).

    Field numbers: github.com/google/gnostic, openapiv2/OpenAPIv2.proto.
    """
    paths = b""
    for version, (plural, kind) in kinds.items():
        group, _, number = version.rpartition("/")
        about = f"{{group: '{group}', version: {number}, kind: {kind}}}"
        named = _field(1, "x-kubernetes-group-version-kind")
        extension = _field(13, named + _field(2, _field(2, about)))
        query = _field(1, _field(2, _field(3, _field(4, "dryRun"))))
        patch = _field(8, _field(8, query) + extension)
        paths += _field(2, _field(1, f"/{plural}/{{name}}") + _field(2, patch))
    return _field(1, "2.0") + _field(8, paths)


def _merged(old, new):
    """RFC 7396."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    kept = {k: v for k, v in old.items() if k not in new}
    given = {k: _merged(old.get(k), v) for k, v in new.items() if v is not None}
    return kept | given


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self, code, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, code, reason, message):
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        about = {"reason": reason, "message": message, "code": code}
        self._answer(code, {**status, **about})

    def _handle(self, method):
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "null") if length else None
        self.server.asked.append((method, parts.path, query))
        if refused := self.server.refuse(method, parts.path, body):
            return self._fail(*refused)
        if method == "GET" and (known := self._documents(parts.path)):
            return self._answer(200, *known)
        return self._object(method, parts.path, query, body)

    def _documents(self, path):
        kinds = self.server.kinds
        if path == "/api":
            return ({"kind": "APIVersions", "versions": ["v1"]},)
        if path == "/apis":
            return (_versions(kinds),)
        if path == "/version":
            return ({"major": "1", "minor": "31", "gitVersion": "v1.31.0"},)
        if path == "/openapi/v2":
            kind = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
            return _swagger(kinds), kind
        if path == "/openapi/v3":
            ways = {self._way(v): v for v in kinds}
            return ({"paths": {w: {"serverRelativeURL": f"/openapi/v3/{w}"}
                               for w in ways}},)  # fmt: skip
        for version in kinds:
            if path == f"/{self._way(version)}":
                return (_resources(version, kinds),)
            if path == f"/openapi/v3/{self._way(version)}":
                return (_openapi(version, kinds),)
        return None

    @staticmethod
    def _way(version):
        return f"apis/{version}" if "/" in version else f"api/{version}"

    def _object(self, method, path, query, body):
        objects = self.server.objects
        dry = "dryRun" in query
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if not dry:
                objects[path] = body
            return self._answer(201, body)
        if "fieldSelector" in query:
            empty = {"kind": "List", "apiVersion": "v1", "items": []}
            return self._answer(200, {**empty, "metadata": {"resourceVersion": "1"}})
        if path not in objects:
            return self._fail(404, "NotFound", f"{path} not found")
        if method == "DELETE":
            gone = objects[path] if dry else objects.pop(path)
            return self._answer(200, gone)
        if method == "PATCH":
            made = _merged(objects[path], body)
            if not dry:
                objects[path] = made
            return self._answer(200, made)
        return self._answer(200, objects[path])

    def do_GET(self):
        self._handle("GET")

    def do_POST(self):
        self._handle("POST")

    def do_PATCH(self):
        self._handle("PATCH")

    def do_DELETE(self):
        self._handle("DELETE")
