dist_man_MANS = \
	docs/man/spoolgate-backfill.1 \
	docs/man/spoolgate-config.1 \
	docs/man/spoolgate.conf.5 \
	docs/man/spoolgate-map.1 \
	docs/man/spoolgate-sandbox.1 \
	docs/man/spoolgate.1
