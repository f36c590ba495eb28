"""The documents say what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from outlit_pulumi import PROVIDERS, ProviderSpec

README = Path(__file__).resolve().parents[2] / "README.md"


def row(spec: ProviderSpec) -> str:
    """The provider table's row."""
    shown = f"`{spec.id}`" + "".join(f" (or `{alias}`)" for alias in spec.aliases)
    fields = ", ".join(item.attribute for item in spec.fields)
    config = f"`{spec.args.__name__}({fields})`" if spec.args else "in a browser"
    return f"| {shown} | {spec.name} | {spec.category} | {config} |"


def test_the_provider_table_is_the_catalogue() -> None:
    """Every provider has its row, in the catalogue's order, and no other has one."""
    text = README.read_text(encoding="utf-8")
    section = text.split("\n## Providers\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert rows == [row(spec) for spec in PROVIDERS.values()]
