# make bench: speed, memory and latency, as a table; never part of the tests.
EXTRA_PROGRAMS =
