"""Collects the pictures of a site in a process of its own, so that its memory can be told: prints what became of each, and the peak."""

import asyncio
import json
import sys
import threading
import time
from datetime import UTC, datetime

import psutil

from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import collect_images
from tripper_assets.clients.imaging_processes import ImageProcesses
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets_tests.clients.picture_town import Remembered


class Weigher(threading.Thread):
    """Looks at the memory of this process and all below it, a hundred times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        me = psutil.Process()
        while True:
            self.peak = max(self.peak, sum(_resident(one) for one in (me, *me.children(recursive=True))))
            time.sleep(0.01)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def activity(number: int, root: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012}",
        index=number,
        source_key="town",
        source_url=root,
        url=f"{root}/{number}",
        type="Event",
        name=f"Walk {number}",
        image=(ImageObject(sourceUrl=f"{root}/{number}.jpg"),),
    )


async def main(port: int, count: int, folder: str) -> dict[str, object]:
    guard = AddressGuard(frozenset({("127.0.0.1", port)}))
    root = f"http://127.0.0.1:{port}"
    async with HttpClient(user_agent="test", guard=guard) as client, ImageProcesses() as processes:
        rows, counts = await collect_images(
            [activity(number, root) for number in range(count)],
            client=client,
            darkroom=Darkroom(Objects(f"file://{folder}"), processes),
            known=Remembered(),
            clock=lambda: datetime.now(UTC),
        )
    return {"rows": [row.dump() for row in rows], "fetched": counts.fetched, "stored": counts.stored}


if __name__ == "__main__":
    weigher = Weigher()
    weigher.start()
    told = asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
    json.dump(told | {"peak": weigher.peak}, sys.stdout)
