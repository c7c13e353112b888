"""The words and rules of Pingmon: no Qt, no files, no network, no clock. Every other room speaks in these."""
