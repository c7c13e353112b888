"""Setting up, upgrading and removing probes on the user's own hosts over SSH. Knows no Qt and no store."""
