"""`python tools/reference`: writes docs/reference.md from the public names of the package and their docstrings.

With ``--check`` nothing is written. Exit code: 0 when the page is up to date or was written, 1 when it is not up to date or
cannot be made, because a public name has no place in it or no docstring.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi

import outlit_pulumi
from outlit_pulumi import ConfigArgs, OutlitError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.reference.docstrings import Docstring, markdown, parse

PROSE = Path(__file__).with_name("page.md")
PAGE = ROOT / "docs" / "reference.md"
OPTIONS = ROOT / "docs" / "installation-configuration.md"


def page() -> str:
    """The page as it should be.

    Raises:
        ValueError: a public name has no place here, or is not documented.
    """
    names = {name: getattr(outlit_pulumi, name) for name in outlit_pulumi.__all__}
    kinds = {name: kind(name, value) for name, value in names.items()}

    def all_of(wanted: str, show: Callable[[Any], str]) -> str:
        return "\n\n".join(show(value) for name, value in names.items() if kinds[name] == wanted)

    parts = {
        "providers": providers(),
        "resources": all_of("resource", resource),
        "credentials": "\n\n".join(credentials(spec.args) for spec in outlit_pulumi.PROVIDERS.values() if spec.args),
        "functions": all_of("function", lambda value: function(value, "###")),
        "types": all_of("type", plain_class),
        "settings": options(OPTIONS.read_text(encoding="utf-8")),
        "errors": "\n\n".join(error(value) for value in family(OutlitError)),
    }
    if missing := [
        name for name, value in names.items() if kinds[name] == "error" and value not in family(OutlitError)
    ]:
        raise ValueError(f"the tree of errors lacks {', '.join(missing)}")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], PROSE.read_text(encoding="utf-8"))


def kind(name: str, value: object) -> str:
    """Which part of the page a public name is in."""
    if name == "PROVIDERS":
        return "providers"
    if inspect.isfunction(value):
        return "function"
    if isinstance(value, type):
        if issubclass(value, OutlitError):
            return "error"
        if issubclass(value, pulumi.Resource):
            return "resource"
        if issubclass(value, ConfigArgs) and value is not ConfigArgs:
            if value not in {spec.args for spec in outlit_pulumi.PROVIDERS.values()}:
                raise ValueError(f"{name} is no provider's class of credentials")
            return "credentials"
        return "type"
    raise ValueError(f"outlit_pulumi.{name} has no place on the reference page: see tools/reference")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(head)
    lines = [columns, *rows]
    shown = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
    return "\n".join([shown[0], "|" + "---|" * len(columns), *shown[1:]])


def code(text: object) -> str:
    """Text as code; nothing where there is none."""
    return f"`{text}`" if text != "" else ""


def link(name: str) -> str:
    """A link to the section of a class or function."""
    return f"[`{name}`](#{name.lower()})"


def providers() -> str:
    """The catalogue."""
    rows = []
    for spec in outlit_pulumi.PROVIDERS.values():
        ids = code(spec.id) + "".join(f" (or {code(alias)})" for alias in spec.aliases)
        rows.append([ids, spec.name, spec.category, link(spec.args.__name__) if spec.args else "in a browser"])
    return table(["`provider`", "name", "category", "`config`"], rows)


def annotation(value: object) -> str:
    """A type as it is written in the source."""
    if value is inspect.Parameter.empty:
        return ""
    return value if isinstance(value, str) else getattr(value, "__name__", str(value))


def described(doc: Docstring, section: str, names: Iterable[str], owner: str) -> dict[str, str]:
    """The meaning of each name.

    Raises:
        ValueError: one is not documented, or one is documented that is not there.
    """
    meanings, wanted = doc.items.get(section, {}), list(names)
    if set(meanings) != set(wanted):
        odd = ", ".join(sorted(set(meanings) ^ set(wanted)))
        raise ValueError(f"{owner}: {section} of the docstring and the code differ in {odd}")
    return meanings


def inputs(parameters: Mapping[str, inspect.Parameter], doc: Docstring, owner: str) -> str:
    """The table of what a call takes."""
    meanings = described(doc, "Args", parameters, owner)
    rows = []
    for name, parameter in parameters.items():
        default = "required" if parameter.default is inspect.Parameter.empty else code(repr(parameter.default))
        rows.append([code(name), code(annotation(parameter.annotation)), default, meanings[name]])
    return table(["argument", "type", "default", "meaning"], rows) if rows else ""


def raised(doc: Docstring) -> str:
    """What a call raises."""
    return "\n".join(f"- Raises {code(name)}: {meaning}" for name, meaning in doc.items.get("Raises", {}).items())


def blocks(*parts: str) -> str:
    """What there is of the parts, as paragraphs."""
    return "\n\n".join(part for part in parts if part)


def resource(value: type[pulumi.Resource]) -> str:
    """A resource: its arguments, its outputs, its functions."""
    doc, name = parse(value), value.__name__
    parameters = dict(list(inspect.signature(value.__init__).parameters.items())[1:])
    own = inspect.get_annotations(value)
    meanings = described(doc, "Attributes", own, name)
    rows = [[code(output), code(kind_), meanings[output]] for output, kind_ in own.items()]
    outputs = blocks(f"Outputs of {code(name)}:", table(["output", "type", "meaning"], rows)) if rows else ""
    return blocks(f"### {name}", doc.text, inputs(parameters, doc, name), raised(doc), outputs, methods(value))


def methods(value: type) -> str:
    """The public functions of a class, those with a docstring of its own."""
    found = []
    for name, member in vars(value).items():
        called = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if not name.startswith("_") and inspect.isfunction(called):
            found.append(function(called, "####", bound=not isinstance(member, staticmethod)))
    return "\n\n".join(found)


def function(value: Callable[..., Any], level: str, *, bound: bool = False) -> str:
    """A function: how it is called, what it takes, returns and raises."""
    doc, signature, name = parse(value), inspect.signature(value), value.__qualname__
    parameters = dict(list(signature.parameters.items())[1 if bound else 0 :])
    returns = doc.texts.get("Returns", "")
    kind_ = annotation(signature.return_annotation)
    result = f"Returns {code(kind_)}{': ' + returns if returns else '.'}" if kind_ not in ("", "None") else ""
    return blocks(f"{level} {name}", doc.text, inputs(parameters, doc, name), result, raised(doc))


def credentials(value: type[ConfigArgs]) -> str:
    """An args class and its fields."""
    rows = []
    for item in value.config_fields():
        limits = f" One of {', '.join(map(code, item.choices))}." if item.choices else ""
        limits += " https only." if item.https else ""
        rows.append([code(item.attribute), code(item.name), "yes" if item.secret else "no", item.doc + limits])
    head = ["field", "name in a mapping", "secret", "meaning"]
    return blocks(f"### {value.__name__}", parse(value).text, table(head, rows))


def plain_class(value: type) -> str:
    """A class that holds values: its attributes, its properties, its functions."""
    doc, name = parse(value), value.__name__
    kinds = {key: annotation(kind_) for key, kind_ in inspect.get_annotations(value).items() if not key.startswith("_")}
    if dataclasses.is_dataclass(value):
        kinds = {item.name: annotation(item.type) for item in dataclasses.fields(value)}
    meanings = dict(described(doc, "Attributes", kinds, name))
    for key, member in vars(value).items():
        if isinstance(member, property) and member.fget is not None:
            kinds[key] = annotation(inspect.signature(member.fget).return_annotation)
            meanings[key] = parse(member).text
    rows = [[code(key), code(kind_), meanings[key]] for key, kind_ in kinds.items()]
    shown = table(["attribute", "type", "meaning"], rows) if rows else ""
    return blocks(f"### {name}", doc.text, shown, methods(value))


def options(text: str) -> str:
    """The table of settings, from the page that is its home.

    Raises:
        ValueError: that page has none.
    """
    found = re.search(r"\n## Configuration Options\n.*?\n\n(\|.*?\n)\n", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{OPTIONS.name} has no table of configuration options")
    return found[1].strip()


def family(root: type[OutlitError]) -> list[type[OutlitError]]:
    """An error class and those that come from it, each after its base."""
    return [root, *(each for child in root.__subclasses__() for each in family(child))]


def error(value: type[OutlitError]) -> str:
    """An error: what it means and, unless it is only a base of others, its cause and cure.

    Raises:
        ValueError: it has no cause or no cure.
    """
    doc, name = parse(value), value.__name__
    heads = {"Cause": "**Cause.**", "Cure": "**Cure.**"}
    base = f"Base class: {link(value.__base__.__name__)}." if value.__base__ and value is not OutlitError else ""
    if set(doc.texts) != (set() if name in ("OutlitError", "ApiError", "IntegrationError") else set(heads)):
        raise ValueError(f"{name} must say its cause and its cure")
    attributes = "\n".join(f"- {code(key)}: {meaning}" for key, meaning in doc.items.get("Attributes", {}).items())
    told = [f"{heads[key]} {doc.texts[key]}" for key in heads if key in doc.texts]
    return blocks(f"### {name}", doc.text, *told, attributes, base)


def main() -> int:
    """Writes the page, or checks it."""
    parser = argparse.ArgumentParser(prog="python tools/reference", description=markdown(__doc__ or ""))
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    wanted = parser.parse_args()
    try:
        new = page()
    except ValueError as problem:
        print(f"docs/reference.md cannot be made: {problem}.", file=sys.stderr)
        return 1
    if not wanted.check:
        PAGE.write_text(new, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != new:
        print("docs/reference.md is not up to date. Run: python tools/reference", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
