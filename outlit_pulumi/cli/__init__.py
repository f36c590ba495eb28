"""``outlit-pulumi``: a workspace's integrations on the command line.

Needs the extra ``cli`` (``pip install 'path/to/outlit-pulumi[cli]'``). Standard output holds the result; prompts,
links, progress and errors go to standard error. With ``--json`` the result is one JSON document, errors included.
"""
