"""Each change is told once it has happened, again until it has arrived, and a receiver that is down holds nothing up."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.notifications import LEASE_SECONDS, Notifications
from tripper_assets.clients.webhooks import Webhook
from tripper_assets.domain.errors import PermanentError, TransientError, TripperError
from tripper_assets.domain.notifications import TOLD_BY_DEFAULT, TOLD_WITHIN, Notification
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.notifying import Told, tell
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
ONE = make_source("https://example.org/")
KILLED = -9


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Inbox:
    """A receiver that keeps what it takes, and says no as it is told to: by workflow, or to all."""

    def __init__(self) -> None:
        self.messages: list[Notification] = []
        self.asked: list[str] = []
        self.refusals: dict[str, TripperError] = {}
        self.outage: TripperError | None = None

    def send(self, notification: Notification) -> None:
        self.asked.append(notification.workflow_id)
        error = self.outage or self.refusals.get(notification.workflow_id)
        if error:
            raise error
        self.messages.append(notification)

    @property
    def workflows(self) -> list[str]:
        return [one.workflow_id for one in self.messages]


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(ONE)
    assert catalog.notifications.untold(NOW) == []
    return catalog


def ended(catalog: Catalog, name: str, status: Any = "failed", at: datetime = NOW) -> None:
    values = {"source_key": ONE.key, "source_url": ONE.url, "status": "running", "config": {}, "created_at": at}
    catalog.workflows.start(Workflow.model_validate({"id": name, **values}))
    catalog.workflows.set_status(name, status, f"{name} ended.", at=at)


def told(catalog: Catalog, receiver: Any, clock: Clock, **more: Any) -> Told:
    given = {"wanted": TOLD_BY_DEFAULT, "pages_url": "http://pages", "clock": clock}
    return tell(catalog.notifications, receiver, **given | more)


def test_what_happened_is_told_once_in_its_order(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a", "failed", NOW)
    ended(catalog, "b", "review", NOW + timedelta(seconds=1))
    ended(catalog, "c", "completed", NOW)
    clock.now += timedelta(minutes=1)

    first, second = told(catalog, inbox, clock), told(catalog, inbox, clock)

    assert [(one.workflow_id, one.kind) for one in inbox.messages] == [("a", "failed"), ("b", "review")]
    assert (first.noted, first.arrived, second.noted, second.arrived) == (2, 2, 0, 0)


def test_what_nobody_wants_to_hear_of_is_not_told_later_either(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a", "review")

    told(catalog, inbox, clock, wanted=("failed",))
    told(catalog, inbox, clock)

    assert inbox.messages == []


def test_a_receiver_that_is_down_is_asked_once_a_look_and_gets_all_when_it_is_back(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    for name in ("a", "b", "c"):
        ended(catalog, name)
    inbox.outage = TransientError("It is down.")

    looks = [told(catalog, inbox, clock) for _ in range(2)]
    while_down = list(inbox.asked)
    inbox.outage = None
    clock.now += timedelta(minutes=1)
    told(catalog, inbox, clock)

    assert [look.troubles for look in looks] == [["It is down."], ["It is down."]]
    assert while_down == ["a", "b"]
    assert sorted(inbox.workflows) == ["a", "b", "c"]


def test_a_message_that_is_refused_holds_no_other(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a")
    ended(catalog, "b")
    inbox.refusals["a"] = PermanentError("It is refused.")

    look = told(catalog, inbox, clock)

    assert (look.troubles, inbox.workflows) == (["It is refused."], ["b"])


def test_a_receiver_that_asks_for_an_hour_is_given_it(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a")
    inbox.outage = TransientError("Come later.", retry_after_seconds=3600)
    told(catalog, inbox, clock)
    inbox.outage = None

    clock.now += timedelta(minutes=59)
    early = told(catalog, inbox, clock)
    clock.now += timedelta(minutes=2)
    late = told(catalog, inbox, clock)

    assert (early.arrived, late.arrived) == (0, 1)


def test_a_message_that_never_arrives_is_given_up_when_it_is_no_news_and_is_counted(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a")
    inbox.outage = TransientError("It is down.")

    looks = [told(catalog, inbox, clock)]
    while not looks[-1].given_up:
        clock.now += timedelta(hours=1)
        looks.append(told(catalog, inbox, clock))

    assert clock.now - NOW <= TOLD_WITHIN
    assert len(inbox.asked) > 60
    assert catalog.notifications.state()["given_up"] == 1


def test_a_message_that_waited_while_nobody_looked_for_days_is_no_news_and_holds_no_other(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    ended(catalog, "a")
    inbox.outage = TransientError("It is down.")
    told(catalog, inbox, clock)
    inbox.outage = None
    clock.now += TOLD_WITHIN + timedelta(seconds=1)
    ended(catalog, "b", at=clock.now)

    look = told(catalog, inbox, clock)

    assert inbox.workflows == ["b"]
    assert (look.arrived, look.given_up, look.put_off) == (1, 1, 0)
    assert catalog.notifications.state()["given_up"] == 1


def test_a_look_whose_time_is_up_leaves_the_rest_for_the_next(catalog: Catalog) -> None:
    inbox, clock = Inbox(), Clock()
    for name in ("a", "b", "c"):
        ended(catalog, name)
    left = iter([True, True, False])

    told(catalog, inbox, clock, goes_on=lambda: next(left))
    first = list(inbox.workflows)
    told(catalog, inbox, clock)

    assert first == ["a", "b"]
    assert inbox.workflows == ["a", "b", "c"]


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    with serve() as pages:
        yield pages


def look(given: dict[str, Any]) -> None:
    """Look once in a process of its own, which is killed before or after a call where it is told to."""
    owner, name, is_after, number = given["point"]
    call, left = getattr(owner, name), [number]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0] and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = call(*arguments, **named)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, dying)
    outbox = Notifications(Database(given["database"]))
    tell(
        outbox,
        Webhook(SecretStr(given["url"])),
        wanted=TOLD_BY_DEFAULT,
        pages_url="http://pages",
        clock=lambda: given["now"],
    )


POINTS = [
    (owner, name, is_after)
    for owner, name in (
        (Notifications, "untold"), (Notifications, "note"), (Notifications, "take"), (Webhook, "send"), (Notifications, "arrived"),
        (Notifications, "put_off"), (Notifications, "forget"),
    )
    for is_after in (False, True)
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, *(pytest.param(one, marks=pytest.mark.long) for one in range(2, 30))])
def test_processes_that_are_killed_anywhere_tell_each_change_and_none_in_two_words(
    catalog: Catalog, database_url: str, site: LoopbackSite, seed: int
) -> None:
    random = Random(seed)
    answers = Random(seed)
    site.answer("/hook", lambda _: Answer(random_status(answers)))
    for number in range(6):
        ended(catalog, f"w{number}")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tripper_assets_tests.test_notifying"])
    now, kills = NOW, 0
    points = random.sample(POINTS, 4 if seed == 1 else len(POINTS))

    for number in range(60):
        point = (*points[number], 1) if number < len(points) else (Notifications, "untold", False, 99)
        given = {"database": database_url, "url": site.url("/hook"), "now": now, "point": point}
        process = context.Process(target=look, args=(given,))
        process.start()
        process.join(60)
        assert process.exitcode in (0, KILLED)
        kills += process.exitcode == KILLED
        now += timedelta(seconds=LEASE_SECONDS) + timedelta(minutes=number)
        if number >= len(points) and not catalog.notifications.state()["waiting"]:
            break

    bodies: dict[str, set[bytes]] = {}
    for asked in site.requests:
        bodies.setdefault(asked.headers["webhook-id"], set()).add(asked.body)
    arrived = Counter(asked.headers["webhook-id"] for asked in site.requests)
    assert catalog.notifications.state() == {"waiting": 0, "arrived": 6, "given_up": 0, "trouble": ""}
    assert kills > 0
    assert len(bodies) == 6
    assert all(len(words) == 1 for words in bodies.values())
    refused = answered_no(site, seed)
    assert sum(arrived.values()) - refused <= 6 + kills  # one that was killed may say again what it said


def random_status(random: Random) -> int:
    return random.choice([200, 200, 200, 500])


def answered_no(site: LoopbackSite, seed: int) -> int:
    answers = Random(seed)
    return sum(random_status(answers) == 500 for _ in site.requests)
