"""The service at /metrics: who may ask, and the bytes of the answer. What is told is made elsewhere."""
