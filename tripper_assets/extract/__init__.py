"""Reading of documents: what a page, a feed or a calendar states, without I/O and without a clock."""

from tripper_assets.extract.documents import extract_activities as extract_activities
