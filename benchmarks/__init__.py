"""How much time, memory and how many calls the provider takes, next to resources that do nothing."""
