"""How old what an asset holds may be before Dagster says that it is not fresh."""

from datetime import timedelta

import dagster as dg

SCRAPED_DAILY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=50))
"""daily_rescrape goes through every source: two hours for the work, and one day that may be missed."""
AFTER_A_DECISION = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=7), fail_window=timedelta(days=30))
"""An import may wait for a person; a month without one is no catalog that anybody looks after."""
