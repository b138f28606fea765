"""Reading pages: bytes in, stated activities out; no I/O, no clock."""
