"""aioquic as a peer: see ../README.md for the arguments."""

import argparse
import asyncio
import signal
import ssl
import sys
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h0.connection import H0Connection
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset

MAPPINGS = {"hq-interop": H0Connection, "h3": H3Connection}


class Server(QuicConnectionProtocol):
    def __init__(self, *args, root: Path, **kwargs):
        super().__init__(*args, **kwargs)
        self.root = root
        self.http = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = MAPPINGS[event.alpn_protocol](self._quic)
        if self.http is None:
            return
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, HeadersReceived):
                self.answer(http_event.stream_id, dict(http_event.headers)[b":path"].decode())

    def answer(self, stream_id: int, path: str):
        file = (self.root / path.lstrip("/")).resolve()
        found = file.is_relative_to(self.root) and file.is_file()
        body = file.read_bytes() if found else b""
        headers = [(b":status", b"200" if found else b"404"), (b"content-length", str(len(body)).encode())]
        self.http.send_headers(stream_id, headers, end_stream=False)
        self.http.send_data(stream_id, body, end_stream=True)


class Client(QuicConnectionProtocol):
    def __init__(self, *args, alpn: str, out: Path, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = MAPPINGS[alpn](self._quic)
        self.out = out
        self.answers = {}

    async def get(self, authority: str, path: str):
        stream_id = self._quic.get_next_available_stream_id()
        answer = self.answers[stream_id] = {"body": [], "status": None, "done": asyncio.get_running_loop().create_future()}
        names = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", authority.encode()), (b":path", path.encode())]
        self.http.send_headers(stream_id, names, end_stream=True)
        self.transmit()
        await answer["done"]
        if answer["status"] not in (None, b"200"):
            raise RuntimeError(f"{path}: status {answer['status'].decode()}")
        (self.out / path.lstrip("/")).write_bytes(b"".join(answer["body"]))

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.fail_all(f"connection closed: {event.error_code:#x} {event.reason_phrase}")
        if isinstance(event, StreamReset) and event.stream_id in self.answers:
            self.fail(self.answers[event.stream_id], f"stream {event.stream_id} reset: {event.error_code:#x}")
        for http_event in self.http.handle_event(event):
            answer = self.answers.get(getattr(http_event, "stream_id", None))
            if answer is None:
                continue
            if isinstance(http_event, HeadersReceived):
                answer["status"] = dict(http_event.headers).get(b":status")
            elif isinstance(http_event, DataReceived):
                answer["body"].append(http_event.data)
            if getattr(http_event, "stream_ended", False) and not answer["done"].done():
                answer["done"].set_result(None)

    def fail_all(self, reason: str):
        for answer in self.answers.values():
            self.fail(answer, reason)

    def fail(self, answer, reason: str):
        if not answer["done"].done():
            answer["done"].set_exception(ConnectionError(reason))


def configuration(arguments, is_client: bool) -> QuicConfiguration:
    chosen = QuicConfiguration(is_client=is_client, alpn_protocols=[arguments.alpn])
    if arguments.keylog:
        chosen.secrets_log_file = open(arguments.keylog, "a", buffering=1)
    if arguments.window:
        chosen.max_data = chosen.max_stream_data = arguments.window
    return chosen


async def run_server(arguments):
    chosen = configuration(arguments, is_client=False)
    chosen.load_cert_chain(arguments.cert, arguments.key)
    root = Path(arguments.root).resolve()
    server = await serve(
        "127.0.0.1", arguments.port, configuration=chosen, create_protocol=lambda *a, **k: Server(*a, root=root, **k)
    )
    print("listening", server._transport.get_extra_info("sockname")[1], flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()


async def run_client(arguments):
    chosen = configuration(arguments, is_client=True)
    chosen.server_name = arguments.server_name
    if arguments.insecure:
        chosen.verify_mode = ssl.CERT_NONE
    else:
        chosen.load_verify_locations(arguments.ca)
    host, port = arguments.connect.rsplit(":", 1)
    out = Path(arguments.out)

    async def download():
        create = lambda *a, **k: Client(*a, alpn=arguments.alpn, out=out, **k)
        async with connect(host, int(port), configuration=chosen, create_protocol=create) as client:
            await asyncio.gather(*(client.get(arguments.server_name, path) for path in arguments.paths))

    await asyncio.wait_for(download(), arguments.timeout)


def main():
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("server")
    server.add_argument("--cert", required=True)
    server.add_argument("--key", required=True)
    server.add_argument("--root", required=True)
    server.add_argument("--port", type=int, default=0)
    client = roles.add_parser("client")
    client.add_argument("--ca")
    client.add_argument("--insecure", action="store_true")
    client.add_argument("--connect", required=True)
    client.add_argument("--server-name", default="localhost")
    client.add_argument("--out", required=True)
    client.add_argument("--timeout", type=float, default=60)
    client.add_argument("paths", nargs="+")
    for role in (server, client):
        role.add_argument("--alpn", choices=sorted(MAPPINGS), required=True)
        role.add_argument("--keylog")
        role.add_argument("--window", type=int)
    arguments = parser.parse_args()
    try:
        asyncio.run(run_server(arguments) if arguments.role == "server" else run_client(arguments))
    except Exception as error:
        sys.exit(f"aioquic: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
