"""Imports that leave something out, and what the package loads when."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from outlit_pulumi.imports import undisturbed, without


@pytest.fixture(autouse=True)
def not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that nothing else here needs is not loaded yet."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)


def test_what_is_left_out_cannot_be_imported_until_the_block_ends() -> None:
    with without("colorsys"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    assert sys.modules["colorsys"] is colorsys


def test_an_error_in_the_block_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), without("colorsys"):
        raise ZeroDivisionError
    assert "colorsys" not in sys.modules


def test_what_is_loaded_already_stays() -> None:
    import colorsys

    with without("colorsys"):
        assert sys.modules["colorsys"] is colorsys
    assert sys.modules["colorsys"] is colorsys


def test_nothing_is_collected_within_the_block() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), undisturbed():  # noqa: PT012  # the block is the subject
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with undisturbed():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def run(code: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_httpx_comes_without_its_command_line_which_can_still_be_had() -> None:
    shown = run(
        "import sys, outlit_pulumi.client\n"
        "print(sorted({'click', 'rich', 'pygments', 'tenacity'} & set(sys.modules)))\n"
        "import httpx._main\n"
        "print('rich' in sys.modules)"
    )
    assert shown.splitlines() == ["[]", "True"]


def test_data_functions_are_loaded_when_a_program_names_them() -> None:
    shown = run(
        "import sys, outlit_pulumi\n"
        "print('outlit_pulumi.functions' in sys.modules)\n"
        "print(sorted(set(outlit_pulumi.__all__) - set(dir(outlit_pulumi))))\n"
        "print(outlit_pulumi.get_integrations.__module__)\n"
        "from outlit_pulumi import *\n"
        "print(SyncStatusInfo.__name__)\n"
        "try: outlit_pulumi.get_everything\n"
        "except AttributeError as error: print(error)"
    )
    assert shown.splitlines() == [
        "False",
        "[]",
        "outlit_pulumi.functions",
        "SyncStatusInfo",
        "module 'outlit_pulumi' has no attribute 'get_everything'",
    ]


def test_a_provider_process_keeps_what_it_loads_until_its_end() -> None:
    shown = run(
        "import gc\n"
        "from types import SimpleNamespace\n"
        "from outlit_pulumi.process import PROCESS\n"
        "from outlit_pulumi.provider import IntegrationProvider\n"
        "from outlit_pulumi.settings import Settings\n"
        "kept = [gc.get_freeze_count()]\n"
        "IntegrationProvider().configure(SimpleNamespace(config={'outlit:apiKey': 'ok_made_up'}))\n"
        "kept.append(gc.get_freeze_count())\n"
        "PROCESS.workspace(Settings('ok_made_up'))\n"
        "kept.append(gc.get_freeze_count())\n"
        "print(*kept)"
    )
    before, configured, connected = map(int, shown.split())
    assert before < configured < connected


def test_a_program_decides_by_itself_what_it_keeps() -> None:
    shown = run(
        "import gc\n"
        "kept = gc.get_freeze_count()\n"
        "from outlit_pulumi import access\n"
        "from outlit_pulumi.settings import Settings\n"
        "access.process().workspace(Settings('ok_made_up'))\n"
        "print(gc.get_freeze_count() - kept)"
    )
    assert shown == "0"
