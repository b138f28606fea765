"""How providers' batch APIs are used: one role, one machine that drives it, and an adapter for each provider."""
