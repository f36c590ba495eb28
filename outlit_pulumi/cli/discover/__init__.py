"""``outlit-pulumi discover``: from a workspace's connections to a Pulumi project that declares them.

`found` decides what is declared and under which names, `project` writes it down as text, `folder` puts that on disk,
and `command` is the command. Ids, names and messages come from the service: none of them is trusted.
"""
