"""Which tracebacks in a command's output count: those of the provider, not those of a language host at its own end."""

from __future__ import annotations

import pytest

from .conftest import provider_tracebacks

HOST = """\
    error: Program failed with an unhandled exception:
    Traceback (most recent call last):
      File "/opt/pulumi/pulumi-language-python-exec", line 232, in <module>
        loop.run_until_complete(coro)
      File "/opt/venv/lib/pulumi/runtime/stack.py", line 138, in run_in_stack
        await run_pulumi_func(lambda: Stack(func))
    Exception: resource monitor shut down while waiting on step's done channel

"""
PROVIDER = """\
    error: Exception calling application: unexpected
    Traceback (most recent call last):
      File "/opt/venv/lib/pulumi/dynamic/__main__.py", line 192, in Create
        result = provider.create(props)
      File "/opt/venv/lib/outlit_pulumi/provider.py", line 150, in create
        return one_line(run)
    KeyError: 'x'

"""
CONSTRUCTOR = HOST.replace("/opt/venv/lib/pulumi/runtime/stack.py", "/opt/venv/lib/outlit_pulumi/integration.py")
SPACED = [text.replace("\n", "\n\n") for text in (HOST, PROVIDER)]


@pytest.mark.parametrize(
    ("output", "count"),
    [
        pytest.param("error: one clean line\n", 0, id="none"),
        pytest.param(HOST, 0, id="the host's"),
        pytest.param(PROVIDER, 1, id="the provider's"),
        pytest.param(HOST + PROVIDER + HOST, 1, id="both"),
        pytest.param(CONSTRUCTOR, 1, id="the program's, through this package"),
        pytest.param("".join(SPACED * 2), 2, id="with empty lines between"),
    ],
)
def test_the_providers_tracebacks_are_told_from_the_hosts(output: str, count: int) -> None:
    assert len(provider_tracebacks(output)) == count
