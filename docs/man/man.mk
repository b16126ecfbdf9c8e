dist_man_MANS = \
	docs/man/spoolgate-map.1 \
	docs/man/spoolgate-sandbox.1 \
	docs/man/spoolgate.1
