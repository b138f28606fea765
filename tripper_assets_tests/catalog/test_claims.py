"""One row for each source that a run works on: the first to take it has it, and keeps it until it is released."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import make_source

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
ZOO, FARM = make_source("https://zoo.example/"), make_source("https://farm.example/")
TAKERS = 8


@pytest.fixture
def claims(database: Database) -> SourceClaims:
    SourceRegistry(database).sync([ZOO, FARM])
    return SourceClaims(database)


def claim(run_id: str, source_key: str = ZOO.key, *, pid: int = 11) -> Claim:
    return Claim(
        source_key=source_key,
        run_id=run_id,
        workflow_id=f"workflow of {run_id}",
        host="here",
        pid=pid,
        process_started=1_700_000_000.25,
        claimed_at=AT,
    )


def at_once(*calls: Callable[[], object]) -> None:
    """Call all, each in a thread of its own."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_free_source_is_taken_and_the_next_run_is_told_by_whom(claims: SourceClaims) -> None:
    first = claims.take(claim("first"))

    second = claims.take(claim("second"))

    assert (first, second) == (None, claim("first"))
    assert claims.get(ZOO.key) == claim("first")


def test_each_source_is_held_by_itself(claims: SourceClaims) -> None:
    claims.take(claim("first"))

    assert claims.get(FARM.key) is None
    assert claims.take(claim("second", FARM.key)) is None
    assert claims.list() == [claim("second", FARM.key), claim("first")]


def test_a_run_that_asks_again_keeps_its_source_with_the_process_that_took_it(claims: SourceClaims) -> None:
    claims.take(claim("first", pid=11))

    again = claims.take(claim("first", pid=12))

    assert again is None
    assert claims.list() == [claim("first", pid=11)]


def test_a_released_source_is_free_and_releasing_again_changes_nothing(claims: SourceClaims) -> None:
    claims.take(claim("first"))
    claims.take(claim("other", FARM.key))

    claims.release("first")
    claims.release("first")
    claims.release("never")

    assert claims.list() == [claim("other", FARM.key)]
    assert claims.take(claim("second")) is None


def test_one_of_many_that_ask_at_once_has_the_source_and_the_others_are_told_who(claims: SourceClaims) -> None:
    answers: dict[str, Claim | None] = {}
    names = [f"run {number}" for number in range(TAKERS)]

    at_once(*(lambda name=name: answers.update({name: claims.take(claim(name))}) for name in names))

    (winner,) = [name for name, holder in answers.items() if holder is None]
    assert [holder for name, holder in answers.items() if name != winner] == [claim(winner)] * (TAKERS - 1)
    assert claims.list() == [claim(winner)]


def test_a_source_that_is_taken_and_released_all_the_time_never_has_two_holders(claims: SourceClaims) -> None:
    inside, together, rounds = threading.Lock(), list[str](), list[str]()

    def work(name: str) -> None:
        for _ in range(30):
            if claims.take(claim(name)) is None:
                if not inside.acquire(blocking=False):
                    together.append(name)
                    return
                inside.release()
                claims.release(name)
                rounds.append(name)

    at_once(*(lambda name=name: work(name) for name in ("one", "two", "three", "four")))

    assert together == []
    assert rounds
    assert claims.list() == []


def test_a_source_that_is_not_registered_cannot_be_held(claims: SourceClaims) -> None:
    with pytest.raises(PermanentError, match=r"refuses the data \(insert .* violates foreign key"):
        claims.take(claim("first", "nowhere-00000000"))

    assert claims.list() == []


def test_a_claim_stays_when_its_source_leaves_the_registry(claims: SourceClaims, database: Database) -> None:
    claims.take(claim("first"))

    SourceRegistry(database).remove(ZOO.key)

    assert claims.get(ZOO.key) == claim("first")


def test_a_catalog_that_is_down_gives_no_claim() -> None:
    claims = SourceClaims(Database("postgresql://me@127.0.0.1:9/x"))

    for call in (lambda: claims.take(claim("first")), claims.list, lambda: claims.release("first")):
        with pytest.raises(TransientError, match="does not answer"):
            call()
