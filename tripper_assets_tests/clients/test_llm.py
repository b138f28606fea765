"""Many questions: each once, within the budget, a few at once; a model that is down leaves them open."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from openai.types.chat import ChatCompletion

from tripper_assets.clients.llm import Asked, LostAnswerError, ask_all
from tripper_assets.clients.llm_openai import _answer
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError, TripperError
from tripper_assets.domain.llm import (
    Answer,
    Price,
    Question,
    Spending,
    Usage,
    cost,
    fits,
    parse_llm,
    price_of,
    reserved,
)


def question(text: str) -> Question:
    return Question(instructions="Copy.", data=text, shape={}, max_output_tokens=100)


PRICE = Price(1.0, 2.0)


@dataclass
class Model:
    """Answers with what it was asked, or fails as a test says, and counts."""

    provider: str = "told"
    model: str = "m"
    price: Price = PRICE
    fails: dict[str, TripperError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    busy: int = 0
    is_closed: bool = False
    most_at_once: int = 0

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.data)
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        if question.data in self.fails:
            raise self.fails[question.data]
        return Answer(outcome="answered", said={"name": question.data}, usage=Usage(input=50, output=10))

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Book:
    """A ledger in memory with a budget of tokens."""

    tokens: int = 1_000_000
    answers: dict[str, Answer] = field(default_factory=dict)
    notes: list[int] = field(default_factory=list)

    def known(self, questions: Mapping[str, Question]) -> dict[str, Answer]:
        return {key: self.answers[one.data] for key, one in questions.items() if one.data in self.answers}

    def reserve(self, question: Question, most: Spending) -> int | None:
        assert question
        if sum(self.notes) + most.tokens > self.tokens:
            return None
        self.notes.append(most.tokens)
        return len(self.notes) - 1

    def settle(self, note: int, question: Question, answer: Answer, usd: float) -> None:
        assert usd > 0
        self.notes[note] = answer.usage.total
        self.answers[question.data] = answer

    def release(self, note: int) -> None:
        self.notes[note] = 0


def ask(model: Model, book: Book, *texts: str, at_once: int = 4) -> Asked:
    return asyncio.run(
        ask_all({f"{index}:{text}": question(text) for index, text in enumerate(texts)}, model, book, at_once=at_once)
    )


def test_equal_questions_are_asked_once_and_answered_each() -> None:
    model = Model()

    asked = ask(model, Book(), "a", "b", "a")

    assert sorted(model.asked) == ["a", "b"]
    assert {key: answer.said["name"] for key, answer in asked.answers.items()} == {"0:a": "a", "1:b": "b", "2:a": "a"}
    assert (asked.calls, asked.cached, asked.usage.total) == (2, 0, 120)
    assert asked.usd == pytest.approx(2 * (50 * 1.0 + 10 * 2.0) / 1_000_000)


def test_what_was_asked_before_is_not_asked_again() -> None:
    book = Book()
    ask(Model(), book, "a")

    again = Model()
    asked = ask(again, book, "a", "b")

    assert again.asked == ["b"]
    assert (asked.calls, asked.cached, len(asked.answers)) == (1, 1, 2)


def test_no_more_than_a_few_are_asked_at_once() -> None:
    model = Model()

    ask(model, Book(), *map(str, range(40)), at_once=3)

    assert model.most_at_once == 3
    assert len(model.asked) == 40


@pytest.mark.parametrize("at_once", [1, 4])
def test_no_question_is_asked_that_could_break_the_budget(at_once: int) -> None:
    most = reserved(question("0"), Model().price).tokens
    book, model = Book(tokens=most + 130), Model()

    asked = ask(model, book, *map(str, range(9)), at_once=at_once)

    assert len(model.asked) == (3 if at_once == 1 else 1)
    assert sum(book.notes) <= book.tokens
    assert asked.unasked == {"budget": 9 - len(model.asked)}


def test_an_empty_budget_asks_nothing() -> None:
    model = Model()

    assert ask(model, Book(tokens=0), "a").unasked == {"budget": 1}
    assert model.asked == []


@pytest.mark.parametrize(
    ("error", "why", "code"),
    [
        (TransientError("down"), "unavailable", "llm_unavailable"),
        (LostAnswerError("lost"), "unavailable", "llm_unavailable"),
        (PermanentError("no"), "refused", "llm_refused"),
    ],
)
def test_a_model_that_fails_three_times_in_a_row_is_left_alone(error: TripperError, why: str, code: str) -> None:
    texts = [str(number) for number in range(9)]
    model = Model(fails=dict.fromkeys(texts, error))

    asked = ask(model, Book(), *texts, at_once=1)

    assert len(model.asked) == 3
    assert asked.unasked == {why: 9}
    assert [problem.code for problem in asked.problems] == [code] * 3


def test_one_failure_holds_up_nobody_else() -> None:
    model = Model(fails={"b": TransientError("down")})

    asked = ask(model, Book(), "a", "b", "c")

    assert sorted(asked.answers) == ["0:a", "2:c"]
    assert model.is_closed
    assert asked.unasked == {"unavailable": 1}


def test_a_question_that_failed_costs_nothing_and_one_whose_answer_was_lost_all_that_it_could() -> None:
    book = Book()

    ask(Model(fails={"a": TransientError("down"), "b": LostAnswerError("lost")}), book, "a", "b", at_once=1)

    assert book.notes == [0, reserved(question("b"), Model().price).tokens]


def test_a_budget_is_of_tokens_and_of_money() -> None:
    assert fits(Spending(1, 0.1), Spending(1, 0.1), Spending(2, 0.2))
    assert not fits(Spending(2, 0.0), Spending(1, 0.0), Spending(2, 9))
    assert not fits(Spending(0, 0.2), Spending(1, 0.1), Spending(9, 0.2))


def test_the_cost_is_that_of_input_and_output() -> None:
    assert cost(Usage(input=1_000_000, output=500_000, cached_input=10), Price(0.4, 1.6)) == pytest.approx(1.2)


def test_a_model_is_named_with_its_provider() -> None:
    assert parse_llm("openai:ft:gpt-4o:x") == ("openai", "ft:gpt-4o:x")
    for wrong in ("", "gpt-4o", "openai:", "acme:x"):
        with pytest.raises(ConfigurationError, match="give provider:model"):
            parse_llm(wrong)


def test_a_price_is_known_or_stated() -> None:
    assert price_of("gpt-4.1-mini", "") == Price(0.4, 1.6)
    assert price_of("llama", "0.1, 0.2") == Price(0.1, 0.2)
    with pytest.raises(ConfigurationError, match="The price of llama is not known; set TRIPPER_LLM_PRICE"):
        price_of("llama", "")
    for wrong in ("cheap", "1", "1,2,3", "-1,2", "nan,1", "inf,1"):
        with pytest.raises(ConfigurationError, match="TRIPPER_LLM_PRICE is not two numbers"):
            price_of("llama", wrong)


class DownOnce(Book):
    """A ledger that goes away for one question."""

    def reserve(self, question: Question, most: Spending) -> int | None:
        if question.data == "3":
            raise TransientError("The catalog does not answer.")
        return super().reserve(question, most)


def test_answers_on_their_way_are_kept_where_the_ledger_goes_away() -> None:
    model, book = Model(), DownOnce()

    with pytest.raises(TransientError):
        ask(model, book, *map(str, range(4)), at_once=4)

    # The questions that were sent were paid.
    assert set(book.answers) == set(model.asked) == {"0", "1", "2"}


@pytest.mark.parametrize("usage", [{}, {"total_tokens": 3}, {"prompt_tokens": 5}])
def test_an_answer_that_states_half_of_its_usage_is_an_answer(usage: dict[str, int]) -> None:
    said = {"choices": [{"message": {"content": '{"name": "Clay"}'}, "finish_reason": "stop"}], "usage": usage}
    shape = {"properties": {"name": {}}, "required": ["name"]}

    found = _answer(
        ChatCompletion.construct(**said), Question(instructions="", data="", shape=shape, max_output_tokens=9)
    )

    assert (found.outcome, found.said) == ("answered", {"name": "Clay"})
