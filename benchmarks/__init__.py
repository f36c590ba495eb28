"""How fast the provider is, next to a do-nothing dynamic resource and to what a user would otherwise write."""
