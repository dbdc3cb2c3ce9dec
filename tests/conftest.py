"""Settings and fixtures for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gatepost",
    max_examples=3000,
    deadline=None,  # a busy machine is no fault of the code
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("gatepost")
