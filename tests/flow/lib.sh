# lib.sh: what the flow tests share. TAP on descriptor 3; everything else a test prints goes to its work folder's log.
# A test sources this file, calls `plan` at the end through `finish`, and works in $work, a fresh folder.
#
#   $SPOOLGATE       the program          $top_srcdir   the source tree
#   start_sandbox    → $CONNECT_URL $VISMA_URL $ORDERFUL_URL $CONTROL_URL $CA_FILE
#   start_sshd       → $SFTP_PORT, files arrive in $SFTP_ROOT
#   make_site DIR    a complete configuration (the demo's), secrets set, ready to run
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
SPOOLGATE=${SPOOLGATE:-$top_srcdir/build/spoolgate}
export SPOOLGATE_TRANSLATORS=${SPOOLGATE_TRANSLATORS:-$top_srcdir/translators}
test_name=$(basename "$0" .t)
work=$(mktemp -d "${TMPDIR:-/tmp}/spoolgate-$test_name.XXXXXX")
exec 3>&1 1>>"$work/log" 2>&1
count=0 failures=0
pids=()

cleanup() {
    local status=$? pid
    for pid in "${pids[@]:-}"; do [ -n "$pid" ] && kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]:-}"; do [ -n "$pid" ] && wait "$pid" 2>/dev/null; done
    if [ $failures -eq 0 ] && [ $status -eq 0 ] && [ -z "${KEEP_WORK:-}" ]; then
        rm -rf "$work"
    else
        echo "# kept for a look: $work" >&3
    fi
}
trap cleanup EXIT
trap 'exit 143' TERM INT

pass() { count=$((count + 1)); echo "ok $count - $*" >&3; }
fail() {
    count=$((count + 1)); failures=$((failures + 1))
    echo "not ok $count - $1" >&3
    shift
    local line
    for line in "$@"; do printf '%s\n' "$line" | head -40 | sed 's/^/#   /' >&3; done
}
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2" >&3; }
ok() { # text, command...
    local text=$1; shift
    if "$@"; then pass "$text"; else fail "$text" "command: $*"; fi
}
is() { # actual, expected, text
    if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "expected: $2" "actual:   $1"; fi
}
like() { # actual, extended regular expression, text
    if printf '%s' "$1" | grep -Eq -- "$2"; then pass "$3"; else fail "$3" "expected to match: $2" "actual: $1"; fi
}
unlike() {
    if printf '%s' "$1" | grep -Eq -- "$2"; then fail "$3" "expected not to match: $2" "actual: $1"; else pass "$3"; fi
}
finish() {
    is "$(grep -rIlF '(null)' "$work" --include='log' --include='*.log' --include='*.txt' --include='document.json' 2>/dev/null | head -3)" "" \
        "nobody speaks of (null)"
    echo "1..$count" >&3
    [ $failures -eq 0 ] || exit 1
}
skip_all() { echo "1..0 # SKIP $1" >&3; exit 0; }
note() { echo "# $*" >&3; }
wait_for() { # seconds, command...: until it succeeds
    local end=$((SECONDS + $1)); shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
free_port() { # one that nothing listens on, below those that outgoing connections are given
    local p
    while :; do
        p=$((20000 + RANDOM % 12000))
        (exec 9<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo $p; return; }
    done
}
ten_free_ports() { # the first of ten
    local first p
    while :; do
        first=$(($(free_port) / 10 * 10))
        for p in 0 1 2 3 4 5 6 7 8 9; do
            (exec 9<>"/dev/tcp/127.0.0.1/$((first + p))") 2>/dev/null && continue 2
        done
        echo $first
        return
    done
}

# ---- the other sides ----
start_sandbox() { # further arguments of `spoolgate sandbox`
    mkdir -p "$work/sandbox"
    rm -f "$work/sandbox/ready.json"
    "$SPOOLGATE" sandbox --port "${SANDBOX_PORT:-0}" --directory "$work/sandbox" --samples "$top_srcdir/samples/sandbox" \
        --ready-file "$work/sandbox/ready.json" "$@" >>"$work/sandbox/log" 2>&1 &
    sandbox_pid=$!
    pids+=("$sandbox_pid")
    wait_for 20 test -s "$work/sandbox/ready.json" || { note "the sandbox did not start"; cat "$work/sandbox/log" >&3; exit 1; }
    eval "$(jq -r '"CONNECT_URL=\(.urls.connect) VISMA_URL=\(.urls.visma) ORDERFUL_URL=\(.urls.orderful) CONTROL_URL=\(.urls.control) CA_FILE=\(.ca)"' "$work/sandbox/ready.json")"
}
control() { # METHOD PATH [BODY]
    curl -sS --fail-with-body -X "$1" ${3+-H 'Content-Type: application/json' -d "$3"} "$CONTROL_URL$2"
}
start_sshd() {
    SFTP_ROOT=${SFTP_ROOT:-$work/partner}
    SFTP_PORT=${SFTP_PORT:-$(free_port)}
    SFTP_USER=$(id -un)
    local d=$work/sshd
    mkdir -p "$d" "$SFTP_ROOT"/{hansen,kystmat}/{in,out}
    [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
    [ -f "$d/host_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$d/host_ed25519"
    [ -f "$d/client_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$d/client_ed25519"
    cp "$d/client_ed25519.pub" "$d/authorized_keys"
    chmod 600 "$d/authorized_keys"
    cat >"$d/config" <<EOF
Port $SFTP_PORT
ListenAddress 127.0.0.1
HostKey $d/host_ed25519
PidFile $d/pid
AuthorizedKeysFile $d/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 200
Subsystem sftp internal-sftp -d $SFTP_ROOT
EOF
    /usr/sbin/sshd -D -f "$d/config" -E "$d/log" &
    sshd_pid=$!
    pids+=("$sshd_pid")
    wait_for 10 sshd_answers || { note "sshd did not start"; cat "$d/log" >&3; exit 1; }
    printf '[127.0.0.1]:%s %s\n' "$SFTP_PORT" "$(cut -d' ' -f1,2 "$d/host_ed25519.pub")" >"$d/known_hosts"
}
sshd_answers() { (exec 9<>"/dev/tcp/127.0.0.1/$SFTP_PORT") 2>/dev/null; }

# ---- a site ----
make_site() { # DIR: the demo's configuration for the sandbox and sshd that run
    local d=$1 f
    mkdir -p "$d/partners.d"
    cp -r "$top_srcdir/samples/demo/maps" "$d/" 2>/dev/null
    for f in spoolgate.conf partners.d/; do :; done
    (cd "$top_srcdir/samples/demo" && find . -name '*.conf') | while read -r f; do
        sed -e "s|@VISMA_URL@|$VISMA_URL|g; s|@CONNECT_URL@|$CONNECT_URL|g; s|@ORDERFUL_URL@|$ORDERFUL_URL|g" \
            -e "s|@CA_FILE@|$CA_FILE|g; s|@SFTP_PORT@|${SFTP_PORT:-22}|g; s|@SFTP_USER@|${SFTP_USER:-$(id -un)}|g" \
            -e "s|@SSHD@|$work/sshd|g; s|@DIR@|$d|g" "$top_srcdir/samples/demo/$f" >"$d/$f"
    done
    export SPOOLGATE_CONFIG=$d/spoolgate.conf
    site=$d
    ( umask 077; openssl rand -hex 32 >"$d/key" )
    printf sandbox-visma-secret | "$SPOOLGATE" secret set visma-client-secret
    printf sandbox-orderful-key | "$SPOOLGATE" secret set orderful-key
}
setting() { # FILE SECTION KEY VALUE: sets or adds a line of an INI file
    awk -v section="[$2]" -v key="$3" -v value="$4" '
        /^\[/ { if (inside && !done) { print key " = " value; done = 1 } inside = ($0 == section) }
        inside && $1 == key { if (!done) print key " = " value; done = 1; next }
        { print }
        END { if (inside && !done) print key " = " value }' "$1" >"$1.new" && mv "$1.new" "$1"
}
folders() { find "$@" -mindepth 1 -maxdepth 1 -type d ! -name '.*' 2>/dev/null | wc -l; }
archived() { find "$site/spool/archive" -mindepth 4 -maxdepth 4 -type d 2>/dev/null; }
