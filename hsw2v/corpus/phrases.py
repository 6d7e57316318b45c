CONNECTORS = frozenset("a an the for of with without at from to in on by and or".split())
