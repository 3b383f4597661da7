"""aioquic as a peer: see ../README.md for the arguments."""

import argparse
import asyncio
import dataclasses
import signal
import ssl
import sys
import time
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h0.connection import H0Connection
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamDataReceived, StreamReset
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

# The exit code for what cannot be done here, as in the QUIC interop runner.
UNSUPPORTED = 127

MAPPINGS = {"hq-interop": H0Connection, "h3": H3Connection}


class Server(QuicConnectionProtocol):
    def __init__(self, *args, root: Path, **kwargs):
        super().__init__(*args, **kwargs)
        self.root = root
        self.http = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated) and self.http is None:
            self.http = MAPPINGS[event.alpn_protocol](self._quic)
        if self.http is None and isinstance(event, StreamDataReceived):
            # requests in 0-RTT come before the protocol is told
            self.http = MAPPINGS[self._quic.configuration.alpn_protocols[0]](self._quic)
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
    if arguments.chacha20:
        chosen.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    # tshark loses the packets of the version that a server leaves, so only the case about it has two
    versions = [QuicProtocolVersion.VERSION_2, QuicProtocolVersion.VERSION_1] if arguments.v2 else [QuicProtocolVersion.VERSION_1]
    chosen.supported_versions = versions
    return chosen


class Tickets:
    """Sessions that the server may resume, each once."""

    def __init__(self):
        self.tickets = {}

    def add(self, ticket):
        self.tickets[ticket.ticket] = ticket

    def pop(self, label):
        return self.tickets.pop(label, None)


async def run_server(arguments):
    chosen = configuration(arguments, is_client=False)
    chosen.load_cert_chain(arguments.cert, arguments.key)
    root = Path(arguments.root).resolve()
    tickets = Tickets()
    server = await serve(
        arguments.host,
        arguments.port,
        configuration=chosen,
        create_protocol=lambda *a, **k: Server(*a, root=root, **k),
        session_ticket_fetcher=tickets.pop,
        session_ticket_handler=tickets.add,
        retry=arguments.retry,
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
    if arguments.v2:
        chosen.original_version = QuicProtocolVersion.VERSION_1
    if arguments.version:
        chosen.original_version = int(arguments.version, 16)
        chosen.supported_versions = [chosen.original_version, QuicProtocolVersion.VERSION_1]
    host, port = arguments.connect.rsplit(":", 1)
    out = Path(arguments.out)

    async def download(paths, ticket=None, early=False, await_ticket=False):
        """One connection from beginning to end. Returns the session that it left."""
        create = lambda *a, **k: Client(*a, alpn=arguments.alpn, out=out, **k)
        tickets = asyncio.Queue()
        started_at = time.monotonic()
        async with connect(
            host.strip("[]"),
            int(port),
            configuration=dataclasses.replace(chosen, session_ticket=ticket),
            create_protocol=create,
            session_ticket_handler=tickets.put_nowait,
            wait_connected=not early,
        ) as client:
            print(f"handshake {time.monotonic() - started_at:.6f}", flush=True)
            if arguments.key_update:
                client.request_key_update()
            await asyncio.gather(*(client.get(arguments.server_name, path) for path in paths))
            return await tickets.get() if await_ticket else None

    async def download_all():
        if arguments.separately:
            for path in arguments.paths:
                await download([path])
        elif arguments.resume or arguments.early:
            ticket = await download(arguments.paths[:1], await_ticket=True)
            await download(arguments.paths[1:], ticket=ticket, early=arguments.early)
        else:
            await download(arguments.paths)

    await asyncio.wait_for(download_all(), arguments.timeout)


def main():
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("server")
    server.add_argument("--cert", required=True)
    server.add_argument("--key", required=True)
    server.add_argument("--root", required=True)
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=0)
    server.add_argument("--retry", action="store_true")
    server.add_argument("--preferred")
    client = roles.add_parser("client")
    client.add_argument("--ca")
    client.add_argument("--insecure", action="store_true")
    client.add_argument("--connect", required=True)
    client.add_argument("--server-name", default="localhost")
    client.add_argument("--out", required=True)
    client.add_argument("--timeout", type=float, default=60)
    client.add_argument("--separately", action="store_true")
    client.add_argument("--resume", action="store_true")
    client.add_argument("--early", action="store_true")
    client.add_argument("--key-update", action="store_true")
    client.add_argument("--migrate", action="store_true", help="what it does anyway")
    client.add_argument("--version")
    client.add_argument("paths", nargs="+")
    for role in (server, client):
        role.add_argument("--alpn", choices=sorted(MAPPINGS), required=True)
        role.add_argument("--keylog")
        role.add_argument("--window", type=int)
        role.add_argument("--chacha20", action="store_true")
        role.add_argument("--v2", action="store_true")
    arguments = parser.parse_args()
    if arguments.role == "server" and arguments.preferred:
        print("aioquic: its server sends no preferred address (QuicConnection._serialize_transport_parameters)", file=sys.stderr)
        sys.exit(UNSUPPORTED)
    try:
        asyncio.run(run_server(arguments) if arguments.role == "server" else run_client(arguments))
    except Exception as error:
        sys.exit(f"aioquic: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
