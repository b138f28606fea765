"""How each provider of places is asked and how its answers read; who asks, and when, is in clients/online_geocoder.py."""
