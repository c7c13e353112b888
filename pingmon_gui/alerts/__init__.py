"""Channels by which alerts leave Pingmon, and the outbox that sees to it that they do."""
