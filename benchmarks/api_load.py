"""Asks a server at 64 connections at once for some seconds; what to ask is read from standard input, what came out is written to standard output."""

import asyncio
import json
import sys
import time
from typing import NamedTuple

CONNECTIONS = 64


class Load(NamedTuple):
    """What came out."""

    answered: int
    errors: int
    seconds: float


async def load(port: int, token: str, paths: list[str], seconds: float) -> Load:
    """Return how many requests were answered, and how many of those not with 200."""
    counts, began = [0, 0], time.perf_counter()
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for path in paths
    ]
    work = [_ask(port, requests[number:] + requests[:number], began + seconds, counts) for number in range(CONNECTIONS)]
    await asyncio.gather(*work)
    return Load(counts[0], counts[1], time.perf_counter() - began)


async def _ask(port: int, requests: list[bytes], until: float, counts: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.perf_counter() < until:
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        counts[0] += 1
        counts[1] += not head.startswith(b"HTTP/1.1 200")
        number += 1
    writer.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(**json.loads(sys.stdin.read())))._asdict()))
