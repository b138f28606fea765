from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract import extract_activities

NOW = datetime(2024, 4, 10, 12, 0, tzinfo=UTC)
PAGES = Path(__file__).resolve().parents[1] / "pages" / "extract"

Read = Callable[..., Extraction]


@pytest.fixture
def read() -> Read:
    """Reads a saved page by name, or a document given as text or bytes."""

    def read_document(
        source: str | bytes,
        *,
        url: str = "https://example.org/whats-on/clay",
        content_type: str | None = None,
        timezone: str | None = None,
    ) -> Extraction:
        if isinstance(source, str) and source.endswith((".html", ".ics")):
            source = (PAGES / source).read_bytes()
        body = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
        return extract_activities(body, url=url, content_type=content_type, now=NOW, timezone=timezone)

    return read_document


@pytest.fixture
def jsonld(read: Read) -> Read:
    """Reads a page with one JSON-LD block."""

    def read_block(block: str, **options: str) -> Extraction:
        escaped = block.replace("</script>", "<\\/script>")
        return read(f'<html><script type="application/ld+json">{escaped}</script></html>', **options)

    return read_block
