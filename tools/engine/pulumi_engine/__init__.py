"""Finds a Pulumi engine on this machine, or makes one.

Imports point one way, down this list:

search    the four routes in order, and what the user reads
makers    the two that make an engine: the official download, and a build from published Go modules
store     the cache folder: one writer at a time, nothing that is half done
engine    what an engine consists of, how its version is read, and whether `PATH` has one
commands  other programs: bounded in time, with a sign of life, never outliving this one

`fetch` is a script of its own, which the official download runs as a child process.
"""
