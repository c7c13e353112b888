"""Tests of the window: its state is set through a real board."""
