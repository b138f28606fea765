"""What an activity is, and every rule that can be decided without touching the world: pure functions and frozen models."""
