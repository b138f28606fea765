"""The review: what a workflow's bundle would publish, what people correct and reject of it, and their decision, bound to the bundle's hash."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from tripper_assets.api import actions
from tripper_assets.api import review_view as view
from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.correction_forms import value_of
from tripper_assets.api.rendering import Notices, render
from tripper_assets.api.review_forms import CorrectionForm, DecisionForm, Listing, Narrowed, RefusalForm, SomeForm
from tripper_assets.api.reviewing import Review, open_review, workflow_named
from tripper_assets.api.security import PageSignedIn, Person
from tripper_assets.decisions import Decider
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.review import PAGE_SIZE, Line, Wish, chosen, facets, page_after, points
from tripper_assets.domain.workflows import FINAL

router = APIRouter(include_in_schema=False)
SEE_OTHER, CONFLICT, UNPROCESSABLE = 303, 409, 422
MOST_LISTED = 2_000
"""Places in a page; where there are more, its map asks for them."""
KINDS = ("", "added", "changed", "removed", "unchanged")
ONLY = ("", "corrected", "rejected", "no_picture", "no_place")
NOTHING_TICKED = "Nothing is ticked; tick the activities that it is about."
NOT_SO = "Rejecting activities needs a reason, for those who read the history."
HELD = "A check holds the bundle: reject the others, and approve under Decision, where the check is ticked by name."
SAID = {
    "corrected": "The correction holds now, and in every later run.",
    "uncorrected": "What the site says counts again.",
    "rejected": "It stays out until its publisher says something else of it.",
    "allowed": "The next import publishes it again.",
    "some-rejected": "They stay out until their publisher says something else of them.",
    "some-allowed": "The next import publishes them again.",
    "only-approved": "Approved; all others stay out. Where `tripper up` runs, the import starts within a minute.",
    "approved": "Approved. Where `tripper up` runs, the import starts within a minute.",
    "bundle-rejected": "The bundle is rejected; what was imported before stays.",
}
Said = Annotated[str, Query(max_length=40)]


def is_part(request: Request) -> bool:
    """Return whether a script of ours asks for part of a page."""
    return request.headers.get("hx-request") == "true"


@router.get("/review")
def reviews() -> Response:
    """Go to what waits for a decision."""
    return RedirectResponse("/?status=review", SEE_OTHER)


@router.get("/review/{workflow}")
def review_page(
    request: Request, workflow: str, context: Context, person: PageSignedIn, listing: Annotated[Listing, Query()]
) -> Response:
    """Show a bundle."""
    review = open_review(context, workflow_named(context, workflow))
    notices: Notices = [("good", SAID[listing.said])] if listing.said in SAID else ()
    page = _page(context, review, _wish(listing), listing.after)
    return render(request, "review/page.html", person, notices=notices, **page)


def _wish(listing: Narrowed) -> Wish:
    """Return what is to be seen; a filter that there is not shows all."""
    asked = {name: value[:200] for name, value in listing if name in Wish.model_fields}
    known = {"kind": KINDS, "only": ONLY}
    return Wish.model_validate({name: value for name, value in asked.items() if value in known.get(name, (value,))})


def _page(context: ApiContext, review: Review, wish: Wish, after: str) -> dict[str, Any]:
    lines, known = review.read.lines, review.known
    seen = chosen(lines, wish, known)
    position = review.read.by_id[after].position if after in review.read.by_id else None
    listed = page_after(seen, position)
    found = facets(lines, known)
    on_map = _on_map(review, seen, {one.id for one in listed.lines})
    return {
        "workflow": review.workflow,
        "source_url": review.workflow.source_url,
        "bundle": review.bundle.sha256,
        "now": context.clock(),
        "base": review.base,
        "newer": review.newer,
        "wish": wish,
        "all": len(lines),
        "listed": listed,
        "total": sum(bool(one.raw) for one in seen),
        "rows": [view.row_of(one, known, review.base) for one in listed.lines],
        "filters": view.filters(review.base, wish, found),
        "problems": view.problem_counts(found),
        "here": view.url_of(review.base, wish.asked, after),
        "first": view.url_of(review.base, wish.asked),
        "next": view.url_of(review.base, wish.asked, listed.after) if listed.after else "",
        "points": on_map,
        "points_url": view.url_of(f"{review.base}/points", wish.asked) if len(on_map) > MOST_LISTED else "",
        **_decision(review, found),
    }


def _on_map(review: Review, seen: list[Line], here: set[str]) -> list[dict[str, Any]]:
    """Return the points of a list, each with a link to its row, or to a page of its own where that is on another page."""
    return [
        {**one, "href": f"#a-{one['id']}" if one["id"] in here else f"{review.base}/activities/{one['id']}"}
        for one in points(seen)
    ]


@router.get("/review/{workflow}/points")
def review_points(
    workflow: str, context: Context, _person: PageSignedIn, listing: Annotated[Listing, Query()]
) -> JSONResponse:
    """Return the places of a list that are too many to be written into its page: id, name, latitude and longitude of each."""
    review = open_review(context, workflow_named(context, workflow))
    found = points(chosen(review.read.lines, _wish(listing), review.known))
    return JSONResponse({"base": f"{review.base}/activities/", "points": [list(one.values()) for one in found]})


def _decision(review: Review, found: dict[str, int]) -> dict[str, Any]:
    can_decide, why_not = _open_for_decision(review)
    names = ("added", "changed", "removed", "unchanged", "rejected", "corrected")
    return {
        "counts": {name: found.get(name, 0) for name in names},
        "all_lines": sum(bool(one.raw) for one in review.read.lines),
        "decision": review.decision,
        "import_summary": review.workflow.import_summary,
        "checks": view.failed_checks(review.workflow, review.held_by),
        "can_decide": can_decide,
        "held": bool(review.held_by),
        "why_not": why_not,
    }


def _open_for_decision(review: Review) -> tuple[bool, str]:
    if review.newer is not None:
        return False, "A newer bundle took its place."
    if review.is_imported:
        return False, "The bundle is imported."
    if review.workflow.status not in FINAL | {"review"}:
        return False, f"The workflow is {review.workflow.status}; decide when it has come to its review."
    return True, ""


@router.get("/review/{workflow}/activities/{activity}")
def activity_page(
    request: Request, workflow: str, activity: str, context: Context, person: PageSignedIn, *, said: Said = ""
) -> Response:
    """Show all of one activity: inside the list, or by itself."""
    review = open_review(context, workflow_named(context, workflow))
    return _activity(request, context, person, review, activity, said=SAID.get(said, ""), inside=True)


def _activity(
    request: Request, context: ApiContext, person: Person, review: Review, activity: str, *,
    said: str = "", error: str = "", inside: bool = False,
) -> Response:  # fmt: skip
    """Return one activity; ``inside`` for what stands below its row already."""
    line = review.line(activity)
    catalog_url = "" if line.raw else f"/activities/{line.id}"
    template = "review/activity.html"
    if is_part(request):
        template = "review/detail.html" if inside else "review/row.html"
    return render(
        request,
        template,
        person,
        status=UNPROCESSABLE if error else 200,
        detail=view.detail_of(line, review.known, review.base, error=error, catalog_url=catalog_url),
        row=view.row_of(line, review.known, review.base, open_=True),
        bundle=review.bundle.sha256,
        workflow=review.workflow,
        base=review.base,
        now=context.clock(),
        said=said,
        notices=[("good", said)] if said else (),
    )


def _stale(request: Request, person: Person, review: Review, listed: str = "") -> Response:
    """Say that what a person saw is not what there is now, and where that is: ``listed`` is the address of a list that is another one."""
    template = "review/stale_part.html" if is_part(request) else "review/stale.html"
    return render(
        request,
        template,
        person,
        status=CONFLICT,
        there=listed or f"/review/{review.newer or review.workflow.id}",
        listed=listed,
        newer=review.newer,
        workflow=review.workflow,
    )


def _decider(context: ApiContext, review: Review, by: str) -> Decider:
    return Decider(context.catalog, context.store, review.workflow, by=by, at=context.clock())


@router.post("/review/{workflow}/decision")
def decide(
    request: Request, workflow: str, context: Context, person: PageSignedIn, form: Annotated[DecisionForm, Form()]
) -> Response:
    """Approve or reject the bundle that the person saw."""
    review = open_review(context, workflow_named(context, workflow))
    if review.bundle.sha256 != form.bundle or review.newer is not None:
        return _stale(request, person, review)
    if form.decision == "rejected" and not form.reason:
        trouble = "Rejecting a bundle needs a reason, for those who read the history."
        return _again(request, context, person, review, trouble)
    actions.decide(
        context,
        review.workflow,
        form.decision,
        form.bundle,
        by=form.person,
        overrides=form.override,
        reason=form.reason,
    )
    said = "approved" if form.decision == "approved" else "bundle-rejected"
    return RedirectResponse(f"{review.base}?said={said}", SEE_OTHER)


def _again(request: Request, context: ApiContext, person: Person, review: Review, trouble: str) -> Response:
    page = _page(context, review, Wish(), "")
    return render(request, "review/page.html", person, status=UNPROCESSABLE, notices=[("bad", trouble)], **page)


@router.post("/review/{workflow}/activities/{activity}/corrections")
def correct(
    request: Request,
    workflow: str,
    activity: str,
    context: Context,
    person: PageSignedIn,
    form: Annotated[CorrectionForm, Form()],
) -> Response:
    """Let a person's word hold for one field, or the site's again."""
    review = open_review(context, workflow_named(context, workflow))
    if review.bundle.sha256 != form.bundle:
        return _stale(request, person, review)
    decider = _decider(context, review, form.person)
    try:
        if form.remove:
            decider.end_correction(activity, form.field)
        else:
            decider.correct(activity, form.field, value_of(form.field, form.inputs), form.reason)
    except ConfigurationError as error:
        return _activity(request, context, person, review, activity, error=str(error))
    return _done(request, context, person, review, activity, "uncorrected" if form.remove else "corrected")


@router.post("/review/{workflow}/activities/{activity}/refusal")
def refuse(
    request: Request,
    workflow: str,
    activity: str,
    context: Context,
    person: PageSignedIn,
    form: Annotated[RefusalForm, Form()],
) -> Response:
    """Keep one activity out, or let it be published again."""
    review = open_review(context, workflow_named(context, workflow))
    if review.bundle.sha256 != form.bundle:
        return _stale(request, person, review)
    review.line(activity)
    if form.action == "reject" and not form.reason:
        trouble = "Rejecting an activity needs a reason, for those who read the history."
        return _activity(request, context, person, review, activity, error=trouble)
    _decide_on(_decider(context, review, form.person), [activity], form.action, form.reason)
    return _done(request, context, person, review, activity, "rejected" if form.action == "reject" else "allowed")


@router.post("/review/{workflow}/refusals")
def decide_on_some(
    request: Request, workflow: str, context: Context, person: PageSignedIn, form: Annotated[SomeForm, Form()]
) -> Response:
    """Keep several activities out, let them be published again, or approve them alone."""
    review = open_review(context, workflow_named(context, workflow))
    if review.bundle.sha256 != form.bundle or (form.action == "approve" and review.newer is not None):
        return _stale(request, person, review)
    meant = _meant(review, form)
    if form.which == "listed" and form.total != len(meant):
        return _stale(request, person, review, view.url_of(review.base, _wish(form).asked))
    trouble = _trouble(review, form, meant)
    if trouble:
        return _again(request, context, person, review, trouble)
    unseen = _more_than_shown(review, form, meant)
    if unseen and form.sure != unseen:
        return _ask_again(request, person, review, form, (len(meant), unseen))
    return _decided(context, review, form, meant)


def _decided(context: ApiContext, review: Review, form: SomeForm, meant: list[str]) -> Response:
    if form.action == "approve":
        actions.approve_only(context, review.workflow, form.bundle, meant, by=form.person, reason=form.reason)
        return RedirectResponse(f"{review.base}?said=only-approved", SEE_OTHER)
    _decide_on(_decider(context, review, form.person), meant, form.action, form.reason)
    there = _list_of(review, form)
    said = "some-rejected" if form.action == "reject" else "some-allowed"
    return RedirectResponse(f"{there}{'&' if '?' in there else '?'}said={said}", SEE_OTHER)


def _list_of(review: Review, form: SomeForm) -> str:
    return form.back if form.back.startswith(f"{review.base}?") else review.base


def _meant(review: Review, form: SomeForm) -> list[str]:
    """Return the ids of the bundle's activities that a form is about."""
    ticked = {review.line(one).id for one in form.activity}
    lines = [one for one in review.read.lines if one.raw]
    if form.which == "listed":
        return [one.id for one in chosen(lines, _wish(form), review.known)]
    return [one.id for one in lines if (one.id in ticked) == (form.which == "ticked")] if ticked else []


def _more_than_shown(review: Review, form: SomeForm, meant: list[str]) -> int:
    """Return how many are rejected, or allowed, where some of them are not on the page that the person saw; else 0."""
    seen = {one.id for one in chosen(review.read.lines, _wish(form), review.known)}
    changed = {one.id for one in review.read.lines if one.raw} - set(meant) if form.action == "approve" else set(meant)
    are_ticked = form.which == "ticked" and form.action != "approve"
    return 0 if are_ticked or (changed <= seen and len(seen) <= PAGE_SIZE) else len(changed)


def _ask_again(request: Request, person: Person, review: Review, form: SomeForm, counts: tuple[int, int]) -> Response:
    """Ask whether a person means so many: ``counts`` are those that the form is about, and those that it rejects or allows."""
    return render(
        request,
        "review/sure.html",
        person,
        form=form,
        meant=counts[0],
        changed=counts[1],
        workflow=review.workflow,
        back=_list_of(review, form),
    )


def _trouble(review: Review, form: SomeForm, meant: list[str]) -> str:
    """Return why nothing is done, empty where it can be."""
    if not meant:
        return NOTHING_TICKED
    if form.action != "allow" and not form.reason:
        return NOT_SO
    if form.action == "approve" and not _open_for_decision(review)[0]:
        return _open_for_decision(review)[1]
    return HELD if form.action == "approve" and review.held_by else ""


def _decide_on(decider: Decider, activities: list[str], action: str, reason: str) -> None:
    if action == "reject":
        decider.refuse_all(activities, reason)
    else:
        decider.catalog.corrections.allow_all(activities, by=decider.by, at=decider.at)


def _done(request: Request, context: ApiContext, person: Person, review: Review, activity: str, said: str) -> Response:
    """Show an activity as it is now: in its row, or on a page of its own."""
    if is_part(request):
        return _activity(request, context, person, open_review(context, review.workflow), activity, said=SAID[said])
    return RedirectResponse(f"{review.base}/activities/{activity}?said={said}", SEE_OTHER)
