"""A small HTTP server that answers what the examples ask: ``python examples/server.py [PORT]``.

Point the Airflow connection ``example_http`` at it. It keeps everything in memory and listens on loopback only::

    GET  /customers/<id>          200 with the customer, 404 for ids that end in 404
    GET  /companies?domain=<name> 200 with the company of example.com, else 404
    POST /enriched                201
    POST /payments                503 twice for each Idempotency-Key, then 201; 402 for the card tok_declined;
                                  always 503 for the card tok_down

What it received stands in ``server.received`` as ``(method, path, headers, body)``.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

OUTAGES = 2

Answer = tuple[int, dict[str, Any]]


class ExampleServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), Handler)
        self.lock = threading.Lock()
        self.received: list[tuple[str, str, dict[str, str], Any]] = []
        self.payments: Counter[str] = Counter()

    @property
    def address(self) -> str:
        return "http://{}:{}".format(*self.server_address)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        with self.lock:
            self.received.append((method, path, headers, body))
            parts = urlsplit(path)
            match (method, parts.path.strip("/").split("/")):
                case ("GET", ["customers", customer]):
                    return customer_of(customer)
                case ("GET", ["companies"]):
                    return company_of(parse_qs(parts.query).get("domain", [""])[0])
                case ("POST", ["enriched"]):
                    return 201, {"id": f"enriched-{len(self.received)}"}
                case ("POST", ["payments"]):
                    return self.pay(headers.get("idempotency-key", ""), body)
        return 404, {"reason": f"nothing at {path}"}

    def pay(self, key: str, order: Any) -> Answer:
        card = order.get("card") if isinstance(order, dict) else None
        if card == "tok_declined":
            return 402, {"reason": "the bank refused the card"}
        self.payments[key] += 1
        if card == "tok_down" or self.payments[key] <= OUTAGES:
            return 503, {"reason": "out of service"}
        return 201, {"id": f"pay-{key[:8]}", "status": "captured"}


def customer_of(customer: str) -> Answer:
    if customer.endswith("404"):
        return 404, {"reason": "no such customer"}
    return 200, {"id": customer, "segment": "gold"}


def company_of(domain: str) -> Answer:
    if domain != "example.com":
        return 404, {"reason": "no such company"}
    return 200, {"name": "Example Ltd", "domain": domain}


class Handler(BaseHTTPRequestHandler):
    server: ExampleServer

    def do_GET(self) -> None:
        self.reply()

    def do_POST(self) -> None:
        self.reply()

    def reply(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = json.loads(text) if text else None
        except ValueError:
            status, answer = 400, {"reason": "the body is not JSON"}
        else:
            status, answer = self.server.answer(self.command, self.path, headers, body)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    server = ExampleServer(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"Listening on {server.address}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
