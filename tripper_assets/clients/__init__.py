"""Places outside: the web, the object store, geocoders, models; each a role and the ways to fill it."""
