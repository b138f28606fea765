"""The HTML pages: what the app includes of them."""

from fastapi import APIRouter

from tripper_assets.api.pages import activity, dashboard, grounds, media, review, search, sign_in

routers: list[APIRouter] = [
    sign_in.router,
    media.router,
    dashboard.router,
    review.router,
    search.router,
    activity.router,
    grounds.router,
]
"""In the order in which the app asks them."""
