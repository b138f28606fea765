"""What language models were asked before, and what each workflow may still spend on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmCacheRow, LlmUsageRow
from tripper_assets.catalog.storable import storable
from tripper_assets.catalog.usage import FREE, paid, spent_on
from tripper_assets.domain.llm import Answer, Question, Spending, fits
from tripper_assets.domain.model import SourceKey

READ_AT_ONCE = 500
KEYS = ("model", "prompt_sha256", "content_sha256")


@dataclass(frozen=True)
class Account:
    """On whose behalf, whom and for what one workflow asks, and how much all of that may come to."""

    workflow_id: str
    source_key: SourceKey
    purpose: str
    provider: str
    model: str
    budget: Spending


class LlmLedger:
    """The answers of one model, and the spending of one workflow; every method raises TransientError while the catalog is down."""

    def __init__(self, database: Database, account: Account, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._account = account
        self._clock = clock

    def known(self, questions: Mapping[str, Question]) -> dict[str, Answer]:
        """Return the answers of questions that were asked before, by key; one that this version cannot read is absent."""
        keys = {key: (one.prompt_sha256, one.content_sha256) for key, one in questions.items()}
        wanted = list(set(keys.values()))
        found: dict[tuple[str, str], Answer] = {}
        with self._database.session() as session:
            for start in range(0, len(wanted), READ_AT_ONCE):
                found |= self._load(session, wanted[start : start + READ_AT_ONCE])
        return {key: found[pair] for key, pair in keys.items() if pair in found}

    def _load(self, session: Session, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], Answer]:
        pair = tuple_(LlmCacheRow.prompt_sha256, LlmCacheRow.content_sha256)
        statement = select(LlmCacheRow).where(LlmCacheRow.model == self._name, pair.in_(wanted))
        answers = {(row.prompt_sha256, row.content_sha256): _answer(row) for row in session.scalars(statement)}
        return {key: answer for key, answer in answers.items() if answer is not None}

    @property
    def _name(self) -> str:
        return f"{self._account.provider}:{self._account.model}"

    def spent(self) -> Spending:
        """Return what the workflow's questions cost, open ones with the most that they can."""
        with self._database.session() as session:
            return spent_on(session, self._account.workflow_id, self._account.purpose)

    def reserve(self, question: Question, most: Spending) -> int | None:
        """Note that a question is about to be asked; None where the budget has no room for the most that it can cost."""
        account = self._account
        row = {
            "workflow_id": account.workflow_id,
            "source_key": account.source_key,
            "purpose": account.purpose,
            "provider": account.provider,
            "model": account.model,
            "prompt_sha256": question.prompt_sha256,
            "content_sha256": question.content_sha256,
            "status": "reserved",
            "total_tokens": most.tokens,
            "usd": most.usd,
            "at": self._clock(),
        }
        with self._database.session() as session:
            # Two processes that look at once would both see room.
            session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"llm {account.workflow_id}", 0))))
            if not fits(spent_on(session, account.workflow_id, account.purpose), most, account.budget):
                return None
            return session.scalars(insert(LlmUsageRow).values(row).returning(LlmUsageRow.id)).one()

    def settle(self, note: int, question: Question, answer: Answer, usd: float) -> None:
        """Note what a question cost and keep its answer, both or neither; an answer that states no usage keeps what was reserved."""
        values = {**paid(answer.usage, usd), "outcome": answer.outcome}
        kept = {
            "model": self._name,
            "prompt_sha256": question.prompt_sha256,
            "content_sha256": question.content_sha256,
            "answer": storable(answer.model_dump(mode="json")),
        }
        with self._database.session() as session:
            session.execute(update(LlmUsageRow).where(LlmUsageRow.id == note).values(values))
            # One that this version could not read was asked again, and is replaced.
            session.execute(
                insert(LlmCacheRow)
                .values(kept)
                .on_conflict_do_update(index_elements=KEYS, set_={"answer": kept["answer"]})
            )

    def release(self, note: int) -> None:
        """Note that a question was not answered and cost nothing."""
        with self._database.session() as session:
            session.execute(update(LlmUsageRow).where(LlmUsageRow.id == note).values(FREE))


def _answer(row: LlmCacheRow) -> Answer | None:
    try:
        return Answer.model_validate(row.answer)
    except ValidationError:
        return None
