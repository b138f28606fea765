"""A bundled sample site, and the server that shows it on loopback."""
