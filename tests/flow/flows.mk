# Flow tests: the whole program as its users run it.
FLOWS =
