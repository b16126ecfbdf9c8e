#!/usr/bin/env bash
# Bash completion, as a person types: it offers what the program has, also of a command that comes tomorrow.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
PATH=$(dirname "$SPOOLGATE"):$PATH
. "$top_srcdir/samples/completion/spoolgate"
complete_line() { # WORD...: what is offered for the last one, in one line
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _spoolgate "$1"
    printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}
is "$(complete_line spoolgate '')" "$({ "$SPOOLGATE" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'; echo --help; echo --version; } | sort | tr '\n' ' ')" "all commands"
is "$(sed -n '/^static const struct command commands/,/^};/s/^ *{"\([a-z]*\)".*/\1/p' "$top_srcdir/src/main.c" | sort)" "$(complete_line spoolgate '' | tr ' ' '\n' | grep '^[a-z]')" "which are those of the program's table"
is "$(complete_line spoolgate tra)" "trace translate translator " "commands by their beginning"
for c in $("$SPOOLGATE" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    missing=
    for option in $("$SPOOLGATE" "$c" --help | grep -oE '(^| |\[)--[a-z-]+' | tr -d ' ['); do
        [[ " $(complete_line spoolgate "$c" --)" == *" $option "* ]] || missing+=" $option"
    done
    is "$missing" "" "all options of $c"
done
is "$(complete_line spoolgate config '')" "check show " "the words behind config"
is "$(complete_line spoolgate secret '')" "key list rekey remove set " "and behind secret"
is "$(complete_line spoolgate map '')" "check explain " "and behind map"
is "$(complete_line spoolgate list er)" "error " "stages"
is "$(complete_line spoolgate courier '')" "hansen-sftp kystmat-sftp orderful visma " "endpoints of the configuration"
is "$(SPOOLGATE_CONFIG=/nowhere complete_line spoolgate ping -c "$site/spoolgate.conf" or)" "orderful " "also of the one that is named"
is "$(complete_line spoolgate translate --partner fj)" "fjord " "partners"
is "$(complete_line spoolgate run --log-format j)" "json " "words of an option"
mkdir -p "$site/spool/error/20260321T091455123456-9f3a1c"
is "$(complete_line spoolgate retry 2026)" "20260321T091455123456-9f3a1c " "documents"
ok "it is installed" make -s -C "${top_builddir:-$top_srcdir/build}" install-data-local DESTDIR="$work/installed"
ok "where bash looks for it" test -s "$(find "$work/installed" -path '*/bash-completion/completions/spoolgate')"
finish
