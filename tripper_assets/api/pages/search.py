"""The search page: a question in plain words, what was understood of it, cards and a map of what fits, and the same as files."""

from datetime import timedelta
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.rendering import render
from tripper_assets.api.routes.exports import streamed
from tripper_assets.api.search_form import ChipView, SearchForm, chips_of, wider
from tripper_assets.api.search_view import cards
from tripper_assets.api.security import PageReader, Person
from tripper_assets.catalog.card_reading import records_of, riches
from tripper_assets.catalog.exports import ExportChoice
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.exports import ExportFormat
from tripper_assets.domain.search import MOST_HITS, Question, SearchFilters, SearchPage
from tripper_assets.questions import ask, understood

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 12
SOON = timedelta(days=6)
SEE_OTHER, UNPROCESSABLE = 303, 422
EXPORTS = ("csv", "geojson", "ics")
Format = Annotated[ExportFormat, Path(pattern="^(csv|geojson|ics)$")]


class Suggestion(NamedTuple):
    """Another question that finds something."""

    said: str
    url: str


@router.get("/search")
def search_page(request: Request, context: Context, person: PageReader) -> Response:
    """Show what fits a question, and without one what is on in the next days."""
    pairs = request.query_params.multi_items()
    form, after = SearchForm.of(pairs), request.query_params.get("after", "")
    if any(not value.strip() for _, value in pairs) and not is_part(request):
        return RedirectResponse(form.url(**({"after": after} if after.strip() else {})), SEE_OTHER)
    try:
        question, page = _found(context, form, after or None)
    except QuestionRefusedError as error:
        return _refused(request, context, person, form, str(error))
    shown = _shown(context, form, question, page)
    if is_part(request) and after:
        return render(request, "search/more.html", person, **shown)
    return render(request, "search/page.html", person, page="search", **shown)


def is_part(request: Request) -> bool:
    """Return whether a script of ours asks for part of a page."""
    return request.headers.get("hx-request") == "true"


def _found(context: ApiContext, form: SearchForm, after: str | None, limit: int = PAGE_SIZE) -> tuple[Question, SearchPage]:  # fmt: skip
    """Return the question as it is understood and a page of its hits."""
    now, settings, catalog = context.clock(), context.settings, context.catalog
    if not form.asks():
        today = now.astimezone().date()
        soon = SearchFilters(since=today, until=today + SOON)
        return Question(text="", meaning="", filters=soon), ask(settings, catalog, Question(text="", meaning="", filters=soon), limit=limit, after=after, now=now)  # fmt: skip
    question = understood(
        settings, catalog, form.get("q"), form.stated(), now=now.astimezone(), literally=form.is_on("literally")
    )
    return question, ask(settings, catalog, question, limit=limit, after=after, now=now)


def _shown(context: ApiContext, form: SearchForm, question: Question, page: SearchPage) -> dict[str, Any]:
    chips = chips_of(form, question) if form.asks() else []
    today, near = context.clock().astimezone().date(), question.filters.near
    found = cards(page.hits, records_of(context.database, [hit.id for hit in page.hits]), today=today, near=near)
    return {
        "form": form,
        "question": question,
        "chips": chips,
        "cards": found,
        "points": [card.point for card in found],
        "map_around": near,
        "next": form.url(after=page.next) if page.next else "",
        "exports": [(kind, form.url(f"/search/export.{kind}")) for kind in EXPORTS] if form.asks() else [],
        "suggestions": [] if found else _suggestions(context, form, question, chips),
        "examples": [] if form.asks() else _examples(context),
        "trouble": "",
    }


def _refused(request: Request, context: ApiContext, person: Person, form: SearchForm, trouble: str) -> Response:
    """Show the form again with what is wrong in it."""
    shown: dict[str, Any] = {
        "form": form,
        "question": Question(text="", meaning=""),
        "map_around": None,
        "next": "",
        "examples": _examples(context),
        **{name: [] for name in ("chips", "cards", "points", "exports", "suggestions")},
    }
    template = "search/refused.html" if is_part(request) else "search/page.html"
    return render(request, template, person, status=UNPROCESSABLE, page="search", trouble=trouble, **shown)


def _suggestions(context: ApiContext, form: SearchForm, question: Question, chips: list[ChipView]) -> list[Suggestion]:
    """Return what is asked a little less of, as far as something is found there."""
    around = wider(form, question, chips)
    asked = [(f"Look within {around.get('radius_km')} km", around)] if around else []
    asked += [(f"Without “{chip.label}”", chip.without) for chip in chips if chip.kind not in ("past", "literally")]
    if len(asked) > 1 and question.text:
        asked.append((f"Only “{question.text}”", SearchForm.of([("q", question.text)])))
        asked.append((f"Without “{question.text}”", form.having(q=" ".join(chip.words for chip in question.chips))))
    if not form.is_on("past"):
        asked.append(("Also what is over", form.having(past="1")))
    return [Suggestion(said, less.url()) for said, less in asked if less.asks() and _finds(context, less)]


def _finds(context: ApiContext, form: SearchForm) -> bool:
    try:
        return bool(_found(context, form, None, limit=1)[1].hits)
    except QuestionRefusedError:
        return False


def _examples(context: ApiContext) -> list[Suggestion]:
    """Return questions that the catalog has answers to."""
    known = riches(context.database)
    town = known.towns[0] if known.towns else ""
    near = f" near {town}" if town else ""
    questions = [f"something free for toddlers{near}", "this weekend with a 6-year-old", *(f"{tag}{near}" for tag in known.tags[:3])]  # fmt: skip
    return [Suggestion(one, SearchForm.of([("q", one)]).url()) for one in questions] if known.activities else []


@router.get("/search/export.{form}")
async def export(request: Request, form: Format, context: Context, _person: PageReader) -> Response:
    """Return what the search finds as a file: with words the best of it, with filters alone all of it."""
    asked = SearchForm.of(request.query_params.multi_items())
    return await streamed(context, form, lambda: _choice(context, asked))


def _choice(context: ApiContext, form: SearchForm) -> ExportChoice:
    if not form.asks():
        raise QuestionRefusedError("The export asks for nothing; say what you look for, or give a filter.")
    question, page = _found(context, form, None, limit=MOST_HITS)
    ids = tuple(hit.id for hit in page.hits) if question.text.strip() or question.meaning.strip() else None
    return ExportChoice(**question.filters.model_dump(), ids=ids)
