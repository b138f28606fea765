"""What was paid is kept and counted: answers by the hashes of their question, spending by workflow, open questions in full."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm import Account, LlmLedger
from tripper_assets.catalog.llm_models import LlmCacheRow, LlmUsageRow
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.llm import Answer, Question, Spending, Usage
from tripper_assets_tests.catalog.conftest import Site
from tripper_assets_tests.outage import NOBODY

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BUDGET = Spending(1_000, 1.0)
ANSWER = Answer(
    outcome="answered", said={"name": "Fair\x00"}, usage=Usage(input=70, output=30, cached_input=20, reasoning=10)
)


def question(text: str, instructions: str = "Copy.") -> Question:
    return Question(instructions=instructions, data=text, shape={}, max_output_tokens=10)


class Books:
    """Ledgers of one source's workflows."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.workflows = [site.new_workflow(), site.new_workflow()]

    def __call__(self, workflow: int = 0, model: str = "m", budget: Spending = BUDGET) -> LlmLedger:
        account = Account(self.workflows[workflow], self.site.source.key, "gaps", "openai", model, budget)
        return LlmLedger(self.site.database, account, lambda: NOW)

    def row(self) -> LlmUsageRow:
        with self.site.database.session() as session:
            return session.scalars(select(LlmUsageRow).order_by(LlmUsageRow.id.desc())).first()  # type: ignore[return-value]


@pytest.fixture
def books(site: Site) -> Books:
    return Books(site)


def paid(book: LlmLedger, one: Question, answer: Answer = ANSWER) -> None:
    note = book.reserve(one, Spending(500, 0.5))
    assert note is not None
    book.settle(note, one, answer, 0.001)


def test_an_answer_is_found_again_by_any_workflow_for_the_same_text_prompt_and_model(books: Books) -> None:
    paid(books(), question("page"))

    other = books(1)
    asked = {"a": question("page"), "b": question("page", "Copy again."), "c": question("other")}

    found = other.known(asked)
    assert list(found) == ["a"]
    assert found["a"].model_copy(update={"said": {}}) == ANSWER.model_copy(update={"said": {}})
    assert books(1, model="n").known(asked) == {}
    assert other.known({}) == {}


def test_what_a_question_cost_is_written_down_with_who_asked_whom(books: Books) -> None:
    paid(books(), question("page"))

    row = books.row()

    assert (row.workflow_id, row.source_key) == (books.workflows[0], books.site.source.key)
    assert (row.purpose, row.provider, row.model, row.status, row.outcome) == (
        "gaps",
        "openai",
        "m",
        "paid",
        "answered",
    )
    assert (row.input_tokens, row.output_tokens, row.cached_input_tokens, row.reasoning_tokens) == (70, 30, 20, 10)
    assert (row.total_tokens, row.usd, row.at) == (100, 0.001, NOW)
    assert books().spent() == Spending(100, 0.001)


def test_an_open_question_counts_with_all_that_it_could_cost_also_after_a_kill(books: Books) -> None:
    assert books().reserve(question("page"), Spending(600, 0.1)) is not None

    after_the_kill = books()

    assert after_the_kill.spent() == Spending(600, 0.1)
    assert after_the_kill.reserve(question("page"), Spending(600, 0.1)) is None
    assert after_the_kill.reserve(question("page"), Spending(400, 0.1)) is not None


def test_the_budget_is_that_of_one_workflow(books: Books) -> None:
    assert books(0).reserve(question("page"), Spending(900, 0.1)) is not None

    assert books(1).reserve(question("page"), Spending(900, 0.1)) is not None


@pytest.mark.parametrize("most", [Spending(1_001, 0.0), Spending(0, 1.1)])
def test_there_is_no_room_beyond_tokens_or_money(books: Books, most: Spending) -> None:
    assert books().reserve(question("page"), most) is None
    assert books().spent() == Spending(0, 0.0)


def test_a_question_that_was_not_answered_gives_its_room_back(books: Books) -> None:
    note = books().reserve(question("page"), Spending(900, 0.9))
    assert note is not None

    books().release(note)

    assert books().spent() == Spending(0, 0.0)
    assert books.row().status == "free"


def test_an_answer_that_states_no_tokens_counts_as_all_that_it_could_have(books: Books) -> None:
    paid(books(), question("page"), Answer(outcome="malformed"))

    assert books().spent() == Spending(500, 0.5)
    assert books().known({"a": question("page")})["a"].outcome == "malformed"


def test_an_answer_of_another_version_is_unknown(books: Books) -> None:
    paid(books(), question("page"))
    with books.site.database.session() as session:
        session.execute(update(LlmCacheRow).values(answer={"said": "other"}))

    assert books().known({"a": question("page")}) == {}


def test_nothing_is_asked_while_the_catalog_is_down(books: Books) -> None:
    down = LlmLedger(Database(NOBODY), books()._account, lambda: NOW)

    for call in (lambda: down.known({"a": question("page")}), lambda: down.reserve(question("page"), Spending(1, 0.1))):
        with pytest.raises(TransientError):
            call()
