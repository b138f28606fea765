"""Asset checks: thin shells around domain/quality.py."""
