#!/usr/bin/env bash
# The log of a whole gateway as whoever keeps it gets it: a file, a pipe, the journal, JSON; and what must not be in it.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
time='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z '
mkdir -p "$site/spool/inbox/visma"
printf 'no JSON' >"$site/spool/inbox/visma/$(printf 'a"b\\\n\377.json')"

mkdir -p "$site/spool/translate/mine" && printf '{}' >"$site/spool/translate/mine/source.json" # nobody says what it was called
"$SPOOLGATE" run --until-idle --limit 60 >/dev/null 2>"$work/file.log"
is "$(grep -Evac "${time}(INFO|WARNING|ERROR) (supervisor|translator [0-9]+|courier [a-z-]+|poller [a-z-]+): " "$work/file.log")" 0 "in a file each line begins with time, level and role"
like "$(cat "$work/file.log")" 'WARNING translator [0-9]: .*\(a"b\\%0A%FF\.json\) goes to error/' "a file's name is shown as text"
unlike "$(cat "$work/file.log")" 'null|  |\(\)|: :' "and no line has an empty place in it"
like "$(cat "$work/file.log")" 'WARNING translator [0-9]: [0-9T]+-[0-9a-f]{6} goes to error/: The document.s folder does not say' "nor is a name made up for what has none"

printf 'no JSON' >"$site/spool/inbox/visma/$(printf 'c"d\\\n\377.json')"
"$SPOOLGATE" run --until-idle --limit 60 --log-format json 2>&1 >/dev/null | cat >"$work/json.log"
ok "as JSON each line is an object of its own" jq -es 'length > 2 and all(.time and .level and .role and .message)' "$work/json.log"
ok "that names the document" jq -es 'any(.document // "" | test("^[0-9T]+-[0-9a-f]{6}"))' "$work/json.log"
setting "$SPOOLGATE_CONFIG" spoolgate log_format json
"$SPOOLGATE" run --until-idle --limit 60 >/dev/null 2>"$work/json.log"
ok "the configuration can say so, too" jq -es 'length > 1 and all(.time and .message)' "$work/json.log"
"$SPOOLGATE" run --until-idle --limit 60 --log-format text >/dev/null 2>"$work/file.log"
is "$(grep -Evc "$time" "$work/file.log")" 0 "and the command line counts more"
said=$("$SPOOLGATE" run --log-format jsno 2>&1 >/dev/null)
is $? 64 "another format is refused"
like "$said" 'there is no log format jsno. Did you mean json\?' "and the right one named"
setting "$SPOOLGATE_CONFIG" spoolgate log_format text

# as a service: the journal has the time, and wants the priority
: >"$work/journal"
JOURNAL_STREAM=$(stat -c %d:%i "$work/journal") "$SPOOLGATE" run --until-idle --limit 60 >/dev/null 2>"$work/journal"
is "$(grep -Evc '^<[346]>(INFO|WARNING|ERROR) ' "$work/journal")" 0 "the journal gets priorities in place of the time"
JOURNAL_STREAM=1:2 "$SPOOLGATE" run --until-idle --limit 60 >/dev/null 2>"$work/file.log"
is "$(grep -Evc "$time" "$work/file.log")" 0 "where stderr was redirected since, the time stands there"

# two gateways write to one pipe: no line is torn
mkdir "$work/other" && sed "s|^spool = .*|spool = $work/other/spool|" "$SPOOLGATE_CONFIG" >"$site/other.conf"
long=$(printf 'x%.0s' {1..180})
for i in $(seq 40); do
    for spool in "$site/spool" "$work/other/spool"; do mkdir -p "$spool/inbox/visma"; printf '{"orderNbr":"%s"}' "$long" >"$spool/inbox/visma/$long-$i.json"; done
done
{ "$SPOOLGATE" run --until-idle --limit 120 --log-format json & "$SPOOLGATE" run -c "$site/other.conf" --until-idle --limit 120 --log-format json & wait; } 2>&1 >/dev/null | cat >"$work/json.log"
ok "lines of several processes do not mix" jq -es 'length > 80 and all(.message)' "$work/json.log"
finish
