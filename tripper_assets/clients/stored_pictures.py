"""A look at the stored files of pictures: each distinct one is read once and compared with its hash."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import CorruptObjectError, NotFoundError
from tripper_assets.domain.picture_quality import StoredPictures, stored_files
from tripper_assets.domain.webp import WebPFacts, webp_facts

READERS = 8


def look_at_pictures(objects: Objects, activities: Iterable[Activity]) -> StoredPictures:
    """Return what each stored picture's file says, by its URI; None for one that is missing, damaged or in another store.

    Raises:
        TransientError: the store does not answer.
        PermanentError: it may not be read.
    """
    hashes = {file.contentUrl: file.sha256 for one in activities for file in stored_files(one)}

    def look(uri: str) -> WebPFacts | None:
        if not objects.holds(uri):
            return None
        try:
            return webp_facts(objects.get(uri, sha256=hashes[uri]))
        except (CorruptObjectError, NotFoundError):
            return None

    with ThreadPoolExecutor(READERS, thread_name_prefix="pictures") as readers:
        return dict(zip(hashes, readers.map(look, hashes), strict=True))
