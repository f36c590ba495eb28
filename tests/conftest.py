"""How many examples property tests try: some by default, many with ``OUTLIT_LONG=1`` (``make test-long``).

Which tests run is a matter of markers: see ``[tool.pytest.ini_options]`` in pyproject.toml.
"""

from __future__ import annotations

import os
import signal
import tempfile

from hypothesis import HealthCheck, settings

# A shell starts what it puts into the background with SIGINT ignored, and every child inherits that. Some are sent one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Provider code that runs in a test leaves its notes there, and not in the developer's own folder.
os.environ["PULUMI_HOME"] = tempfile.mkdtemp(prefix="outlit-pulumi-tests-")

LONG = os.environ.get("OUTLIT_LONG") == "1"

# The same examples on every machine, however slow, and nothing kept between runs.
settings.register_profile(
    "bounded",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("bounded"), max_examples=20 * settings().max_examples)
settings.load_profile("long" if LONG else "bounded")
