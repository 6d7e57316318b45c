"""Training: schedule, threads, events."""
