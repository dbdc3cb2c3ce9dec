"""`gatepost demo`: a private mail host on loopback, and a story told on it with real mail."""
