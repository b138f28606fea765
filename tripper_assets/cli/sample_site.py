"""The bundled sample site beside everything else: shown while one of its sources is registered, and again each day."""

from contextlib import ExitStack
from datetime import date

from tripper_assets.demo.server import DemoServer, is_shown, serve
from tripper_assets.demo.site import DemoSite
from tripper_assets.domain.errors import PermanentError
from tripper_assets.resources import LOOPBACK, Catalog
from tripper_assets.settings import Settings


class SampleSite:
    """Shows the site while it is wanted; ``look`` says what changed."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self.catalog = catalog
        self._stack = ExitStack()
        self._shown: DemoServer | None = None
        self._complaint = ""

    def look(self, today: date) -> str:
        """Show the site or take it away, and return a line for a person, empty where nothing changed."""
        wanted = self._is_wanted()
        if wanted and self._shown is None:
            return self._show(today)
        if self._shown and not wanted:
            self.stop()
            return "sample site  no longer shown, for its source was removed"
        if self._shown and self._shown.site.today != today:
            self._shown.site = DemoSite(self._shown.site.origin, today)
        return ""

    def stop(self) -> None:
        """Take the site away."""
        self._shown = None
        self._stack.close()

    def _is_wanted(self) -> bool:
        address = f"http://{LOOPBACK}:{self._settings.demo_port}/"
        return any(source.url.startswith(address) for source in self.catalog.sources.list())

    def _show(self, today: date) -> str:
        if is_shown(self._settings.demo_port):
            return ""  # by `tripper demo`, which takes it away at its end
        try:
            self._shown = self._stack.enter_context(serve(self._settings.demo_port, today))
        except PermanentError as error:
            told, self._complaint = self._complaint, str(error)
            return "" if told == self._complaint else self._complaint
        self._complaint = ""
        return f"sample site  {self._shown.url}"
