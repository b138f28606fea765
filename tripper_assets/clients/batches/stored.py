"""The requests of a submission as an object of the store: written and read a line at a time, so that memory stays flat."""

import hashlib
from collections.abc import Iterable, Iterator
from io import BytesIO

import orjson
import zstandard
from pydantic import ValidationError

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batch_requests import Request
from tripper_assets.domain.errors import CorruptObjectError

FOLDER = "batches"
LEVEL = 3


class RequestWriter:
    """Packs requests one after the other; holds them compressed, a tenth of what they are."""

    def __init__(self) -> None:
        self._packed = BytesIO()
        self._stream = zstandard.ZstdCompressor(level=LEVEL).stream_writer(self._packed, closefd=False)
        self.count = 0
        self.tokens = 0
        self.output_tokens = 0

    def add(self, request: Request) -> None:
        """Take a request."""
        self._stream.write(orjson.dumps(request.model_dump(), option=orjson.OPT_APPEND_NEWLINE))
        self.count += 1
        self.tokens += request.tokens
        self.output_tokens += request.output_tokens

    def store(self, objects: Objects, name: str) -> str:
        """Store what was taken and return its URI; the same requests again are stored once.

        Raises:
            TransientError: the store does not answer.
            PermanentError: the store cannot be written.
        """
        self._stream.close()
        data = self._packed.getvalue()
        # By its content too: other limits split the same requests otherwise, and give the same names to other groups.
        return objects.put(f"{FOLDER}/{name}-{hashlib.sha256(data).hexdigest()[:12]}.jsonl.zst", data).uri


class StoredRequests:
    """The requests at a URI, read anew each time they are gone through.

    Raises:
        NotFoundError: they were removed.
        CorruptObjectError: they cannot be read.
    """

    def __init__(self, objects: Objects, uri: str) -> None:
        self._objects, self._uri = objects, uri

    def __iter__(self) -> Iterator[Request]:
        try:
            for line in lines(_chunks(self._objects.get(self._uri))):
                yield Request.model_validate(orjson.loads(line))
        except (zstandard.ZstdError, orjson.JSONDecodeError, ValidationError) as error:
            reason = str(error).split("\n", 1)[0][:200]
            raise CorruptObjectError(
                f"Reading the requests in {self._uri} failed ({reason}); materialize the asset that submitted them again."
            ) from error


def _chunks(packed: bytes) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines that end with a line feed alone: texts may hold other separators as they are."""
    rest: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        rest.append(first)
        for other in others:
            yield b"".join(rest)
            rest = [other]
    last = b"".join(rest)
    if last:
        yield last
