#!/usr/bin/env bash
# What error.txt advises works as it is printed, with the gateway running: each command that stands in it is run, right behind the
# correction that it asks for, and the document is delivered. And no other text of the program names a command that no test runs.
. "$(dirname "$0")/lib.sh"
cp -r "$top_srcdir/translators" "$work/translators"
export SPOOLGATE_TRANSLATORS=$work/translators SPOOLGATE_CONFIG=$work/spoolgate.conf
PATH=$(dirname "$SPOOLGATE"):$PATH
spool=$work/spool
mkdir -p "$work/partners.d" "$work/out" "$work/maps/codes"
cat >"$work/spoolgate.conf" <<END
[spoolgate]
spool = spool
state = state.db
[us]
name = Us
isa_id = US
[endpoint out]
adapter = directory
directory = $work/out
[route orders]
source = erp
file = order-*
map = visma/purchase-order
[route interchanges]
source = customer
map = x12/850
END
cat >"$work/partners.d/fjord.conf" <<END
[partner fjord]
name = Fjord AS
erp_id = 50000
usage = test
isa_id = FJORD
[variables]
vendor_number = V1
[send order]
form = x12
map = own-850
endpoint = out
file_name = {number}.x12
END
cat >"$work/partners.d/bare.conf" <<END
[partner bare]
name = Bare AS
erp_id = 50001
usage = test
isa_id = BARE
[send invoice]
form = x12
map = x12/810
endpoint = out
END
echo 'extends x12/850' >"$work/maps/own-850.map"
order() { # NUMBER PARTNER [jq filter]
    jq -c ".[0] | .orderNbr = \"$1\" | .supplier.number = \"$2\" | ${3:-.}" "$top_srcdir/samples/sandbox/visma/purchaseorder.json"
}
drop() { # NAME [SOURCE], the file on standard input
    mkdir -p "$spool/inbox/${2:-erp}"
    cat >"$work/new"
    mv "$work/new" "$spool/inbox/${2:-erp}/$1"
}
gateway() {
    "$SPOOLGATE" run 2>>"$work/run.log" &
    run=$!
    pids+=("$run")
    wait_for 20 test -s "$spool/.run.json" || { fail "the gateway starts" "$(cat "$work/run.log")"; finish; }
}
gateway
told() { # NUMBER or file name: its folder in error/
    local f
    for f in "$spool"/error/*/; do
        [ "$(jq -r '.number // .source.file' "$f/document.json" 2>/dev/null)" = "$1" ] && [ -s "$f/error.txt" ] && folder=${f%/} && return 0
    done
    return 1
}
# the commands of error.txt, one a line
advised() {
    sed -n 's/.*\(spoolgate retry [^ ]*\)$/\1/p; s/^  [a-z ]*: *\(mv .*\)$/\1/p; s/^  [a-z ]*: *\(cp .*\)$/\1/p' "$folder/error.txt"
}
run_advice() { # regular expression: the one command that fits it, in the spool's folder
    local command
    command=$(advised | grep -E -- "$1")
    [ "$(grep -c . <<<"$command")" = 1 ] || { fail "one command like $1" "$(cat "$folder/error.txt")"; return 1; }
    (cd "$spool" && eval "$command") || fail "this works: $command"
}
delivered() { [ -s "$work/out/$1.x12" ]; }
goes_out() { # NUMBER, text
    if wait_for 30 delivered "$1"; then pass "$2"; else fail "$2" "$(cat "$spool"/error/*/error.txt)" "$(tail -20 "$work/run.log")"; fi
}
fails() { # NUMBER text
    if wait_for 20 told "$1"; then pass "$2: error/$(basename "$folder" | sed 's/^[^.]*/…/')"; else fail "$2" "$(tail "$work/run.log")"; finish; fi
}

order 1 50007 | drop order-1.json
fails 1 "a partner that nobody knows"
sed -i 's/erp_id = 50000/erp_id = 50000 50007/' "$work/partners.d/fjord.conf"
run_advice '^spoolgate retry'
goes_out 1 "the partner's file corrected as it says, and the command it prints at once: delivered"

order 2 50001 | drop order-2.json
fails 2 "a partner that gets no orders"
printf '[send order]\nform = x12\nmap = own-850\nendpoint = out\nfile_name = {number}.x12\n' >>"$work/partners.d/bare.conf"
run_advice '^mv .* translate/$'
goes_out 2 "the section added, and moved as it prints: delivered"

order 3 50000 '.lines[0].uom = "ZZTOP"' | drop order-3.json
fails 3 "a code that is in no table"
like "$(cat "$folder/error.txt")" 'codes/[a-z-]*\.tsv' "which it names"
table=$(grep -oE "$work/maps/codes/[a-z0-9-]+\.tsv" "$folder/error.txt" | head -1)
printf 'extends\nZZTOP\tEA\n' >"$table"
run_advice '^spoolgate retry'
goes_out 3 "the line added to the table it names: delivered"

order 4 50000 | sed 's/"orderNbr"/"orderNbr" 4/' | drop order-4.json
fails order-4.json "a document that is broken"
run_advice '^cp '
sed -i 's/"orderNbr" 4/"orderNbr"/' "$folder"/corrected.json
run_advice '^mv .* translate/$'
goes_out 4 "the copy made as it prints, corrected and moved as it prints: delivered"

order 40 50000 | sed 's/"orderNbr"/"orderNbr" 4/' | drop order-40.json
fails order-40.json "another one"
run_advice '^cp '
run_advice '^mv .* translate/$'
fails order-40.json "which was not corrected"
unlike "$(advised)" '^cp ' "then it does not advise to copy again"
like "$(cat "$folder/error.txt")" 'correct corrected\.json in this folder' "but to correct the copy"
sed -i 's/"orderNbr" 4/"orderNbr"/' "$folder"/corrected.json
run_advice '^spoolgate retry'
goes_out 40 "corrected: delivered"

# a destination's own: error/<id>.1
taken() { grep -c 'the configuration was read again' "$work/run.log"; }
before=$(taken)
printf 'extends x12/850\nREF[01=IA]02 : partner_note required\n' >"$work/maps/own-850.map"
more() { [ "$(taken)" -gt "$before" ]; }
refused() { grep -q 'own-850\.map:2' "$work/run.log"; }
wait_for 20 refused
ok "a map with a mistake is not taken" refused
printf 'extends x12/850\nREF[01=ZZ]02 : buyer.contact.name required\n' >"$work/maps/own-850.map"
wait_for 10 more
order 5 50000 'del(.owner)' | drop order-5.json
if wait_for 10 told 5; then
    like "$(basename "$folder")" '\.1$' "a message that cannot be written: error/<id>.1"
    like "$(cat "$folder/error.txt")" "^document: $(basename "$folder")$" "which error.txt calls by that name"
    echo 'extends x12/850' >"$work/maps/own-850.map"
    run_advice '^spoolgate retry'
    goes_out 5 "the map corrected, and the command it prints at once: delivered"
else fail "an order without what the map requires fails" "$(tail "$work/run.log")" "$(ls "$work/out")"; fi

echo "something else" >"$work/out/6.x12"
order 6 50000 | drop order-6.json
fails 6 "another file of that name at the other side"
rm "$work/out/6.x12"
run_advice '^mv .* outbox/out/$'
goes_out 6 "removed, and sent again as it prints: delivered"

order 7 50000 | drop note-7.json
fails note-7.json "a file without a route"
printf '[route notes]\nsource = erp\nfile = note-*\nmap = visma/purchase-order\n' >>"$work/spoolgate.conf"
run_advice '^spoolgate retry'
goes_out 7 "the route added: delivered"

sed "s/\*004010~/*009910~/; s/BEG\*00\*SA\*1\*/BEG*00*SA*8*/; s/GS\*PO\*US\*FJORD/GS*PO*FJORD*US/
    s/ZZ\*US             \*ZZ\*FJORD          /ZZ*FJORD          *ZZ*US             /" "$work/out/1.x12" | drop i.x12 customer
fails i.x12 "an interchange of a version that nobody installed"
cp -r "$work/translators/x12/004010" "$work/translators/x12/009910"
sed -i 's/erp_id = 50000 /erp_id = 50000 1 /' "$work/partners.d/fjord.conf"
run_advice '^spoolgate retry'
goes_out 8 "the tables added: delivered"
is "$(folders "$spool/error")" 0 "nothing is left in error/"
kill -TERM $run; wait $run

# ---- what else the program says that one should say ----
cd "$work" || exit 1
works() { # text, command…
    local text=$1; shift
    if "$@" >"$work/said" 2>&1 </dev/null; then pass "$text works"; else fail "$text works" "$(cat "$work/said")"; fi
}
mkdir keys && chmod 700 keys
works 'spoolgate secret key FILE' "$SPOOLGATE" secret key keys/key
sed -i "/^\[spoolgate\]/a key_file = keys/key" spoolgate.conf
echo value | "$SPOOLGATE" secret set name >&2
is $? 0 'spoolgate secret set NAME works'
works 'spoolgate secret rekey FILE' "$SPOOLGATE" secret rekey keys/new
works 'spoolgate config check' "$SPOOLGATE" config check
works 'spoolgate status' "$SPOOLGATE" status
works 'spoolgate ping' "$SPOOLGATE" ping
works 'spoolgate list' "$SPOOLGATE" list
works 'spoolgate show' "$SPOOLGATE" show "$(basename "$(find "$spool/archive" -mindepth 4 -maxdepth 4 -type d | head -1)")"
works 'spoolgate reindex' "$SPOOLGATE" reindex
works 'spoolgate reindex --force' "$SPOOLGATE" reindex --force
# those of ssh, as config check prints them for an endpoint whose key and known hosts nobody has made yet
start_sshd
mkdir -p "$work/ssh" "$work/ssh.d"
cat >"$work/ssh.d/spoolgate.conf" <<END
[spoolgate]
spool = spool
[us]
name = Us
isa_id = US
[endpoint hansen]
adapter = sftp
host = 127.0.0.1
port = $SFTP_PORT
user = $SFTP_USER
private_key_file = $work/ssh/id
known_hosts = $work/ssh/known_hosts
directory = hansen/in
END
check_ssh() { "$SPOOLGATE" config check -c "$work/ssh.d/spoolgate.conf" 2>&1; }
check_ssh | grep -o '`[^`]*`' | tr -d '`' | sort -u >"$work/advised"
like "$(cat "$work/advised")" '^ssh-keyscan -p' "config check says how known_hosts is made"
while read -r command; do
    eval "$command" >&2 </dev/null || fail "this works: $command"
done < <(grep -v '^ssh-keygen -l' "$work/advised"; grep '^ssh-keygen -l' "$work/advised")
unlike "$(check_ssh)" 'known_hosts|private_key_file.*cannot' "done as it prints, it has nothing more to say of them"
if [ -f "$work/ssh/id" ]; then
    chmod 644 "$work/ssh/id"
    command=$(check_ssh | grep -o '`[^`]*chmod[^`]*`' | tr -d '`')
    ok "a key that others can read: it prints a command" test -n "$command"
    eval "$command" >&2
    unlike "$(check_ssh)" 'chmod' "done as it prints, it has nothing more to say of it"
fi
cat >known <<'END'
spoolgate retry
mv error/
cp error/
spoolgate secret key FILE
spoolgate secret set
spoolgate secret rekey FILE
spoolgate config check
spoolgate status
spoolgate ping
spoolgate list
spoolgate show
spoolgate reindex
spoolgate run
ssh-keyscan -p
ssh-keygen -lf
ssh-keygen -t ed25519
chmod 600
chown
END
perl -e '
    my @known = do { open my $f, "<", shift or die; map { chomp; $_ } <$f> };
    for my $file (@ARGV) {
        open my $in, "<", $file or die; local $/; my $text = <$in>;
        $text =~ s{/\*.*?\*/}{}gs; $text =~ s{^\s*#.*$}{}gm;
        while ($text =~ /((?:"(?:[^"\\]|\\.)*"\s*)+)/g) {
            my $said = join "", $1 =~ /"((?:[^"\\]|\\.)*)"/g;
            while ($said =~ /`([^`]+)`|\b(spoolgate (?:retry|secret|reindex|show|status|list|check|map|config|run|ping|trace|translate|backfill|metrics|reload)\b[^`";.,:()\\]*)|\b((?:mv|cp|rm|chmod|chown|ssh-keyscan|ssh-keygen|systemctl|kill) [^`";,:()\\]*)/g) {
                my $c = $1 // $2 // $3;
                print "$file: $c\n" unless grep { index($c, $_) == 0 } @known;
            }
        }
    }' known $(find "$top_srcdir/src" -name '*.c' ! -path '*/sandbox/*' ! -path '*/command/*') >unknown
is "$(cat unknown)" "" "no text names a command that no test runs"
finish
