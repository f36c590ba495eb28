"""The program, as text: formatted as ruff would at 120 columns; of the service it holds only escaped ids. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ... import catalog
from ..snippets import required
from .found import Found

_WIDTH = 120

_PLAIN = '''\
"""The integrations that are connected to an Outlit workspace, as code.

Next: set up a stack with the commands in README.md. `pulumi up` then takes each connection over as it is.
"""
'''

_WITH_CREDENTIALS = '''\
"""The integrations that are connected to an Outlit workspace, as code.

Next: set up a new stack with the commands in README.md, and give it the credentials that the connections use now. `pulumi up`
then takes each connection over as it is: it records the credentials and does not send them. A later change is sent. It
sends them, too, in a stack that tracks the connections already, and where a connection is gone by then.
"""
'''  # noqa: E501  # the lines are the generated program's


def program(found: Sequence[Found], *, credentials: bool) -> str:
    """The text of ``__main__.py``.

    Args:
        found: What to declare.
        credentials: Whether to declare the credentials, too, as configuration that is still to be set.
    """
    declares = credentials and any(item.fields for item in found)
    head = _WITH_CREDENTIALS if declares else _PLAIN
    imports = "import outlit_pulumi as outlit\nimport pulumi\n"
    config = "config = pulumi.Config()\n" if declares else ""
    resources = "".join(_integration(item, credentials) for item in found)
    exports = "".join(_call("pulumi.export", [literal(item.name), f"{item.variable}.connection_id"]) for item in found)
    return "\n".join(part for part in (head, imports, config, resources, exports) if part)


def literal(text: str) -> str:
    """A Python literal of any text: ASCII only, in double quotes, without one inside."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F and character not in '"\\':
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _integration(item: Found, credentials: bool) -> str:
    arguments = [literal(item.name), f"provider={literal(item.provider)}"]
    if credentials and item.fields:
        arguments.append(f"config={_config(item)}")
    arguments.append("adopt_existing=True")
    return _call(f"{item.variable} = outlit.Integration", arguments)


def _config(item: Found) -> str:
    spec = catalog.PROVIDERS[item.provider]
    values = [f"{field.attribute}={required(spec, field)}" for field in spec.fields]
    kind = f"outlit.{spec.args.__name__ if spec.args else ''}"
    if len(values) == 1:
        return f"{kind}({values[0]})"
    lines = "".join(f"        {value},\n" for value in values)
    return f"{kind}(\n{lines}    )"


def _call(function: str, arguments: Sequence[str]) -> str:
    """A call on one line where that fits and none of its arguments takes several, else with one argument a line."""
    line = f"{function}({', '.join(arguments)})\n"
    if len(line) <= _WIDTH + 1 and line.count("\n") == 1:
        return line
    return f"{function}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")\n"
