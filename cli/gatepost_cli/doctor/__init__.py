"""`gatepost doctor`: what is wrong on this host, why it matters, and what mends it."""
