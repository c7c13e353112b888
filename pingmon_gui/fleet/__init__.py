"""The app's side of probes: speaking to them, reading what they send, and running the one on this computer."""
