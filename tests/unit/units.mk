# Unit tests, a fragment a module.
include tests/unit/base.mk
include tests/unit/spool.mk
include tests/unit/state.mk
include tests/unit/edi.mk
include tests/unit/map.mk
include tests/unit/config.mk
include tests/unit/net.mk
include tests/unit/role.mk
unit_scripts += tests/unit/dictionary-data.sh tests/unit/layout.sh
