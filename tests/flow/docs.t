#!/usr/bin/env bash
# The pages of docs/ done as they are printed, each from the top of a clone:
#   ```console        lines that begin with "$ " ("> ": go on) are run, and what stands below must come; … stands for anything
#   ```ini PATH       (or any other language) is written to that file; +PATH: added to it
#   ```map            a whole map, checked; "```map in HEADER": lines of one, checked behind that header
#   ```ini            with an [endpoint …] or [route …]: a configuration that the program takes
#   ```ini = PATH     must be that file of the source tree, word for word
#   <!-- meanwhile: COMMAND -->    what somebody else does in between
. "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8 TZ=UTC
SFTP_ROOT=$work/partner
start_sshd
mkdir -p "$SFTP_ROOT/in" "$SFTP_ROOT/out"
PORTS=$(ten_free_ports)
export SSHD=$work/sshd SFTP_ROOT SFTP_PORT SFTP_USER PORTS SANDBOX=$work/sandbox
unset SPOOLGATE_CONFIG SPOOLGATE_KEY CREDENTIALS_DIRECTORY
PATH=$(dirname "$SPOOLGATE"):$PATH

extract() { # PAGE FOLDER: its parts as numbered files. Names of the examples' hosts become those of this machine
    perl -Mutf8 -CSD -e '
        my ($page, $folder) = @ARGV;
        my ($n, $kind, $arg, @text) = (0);
        sub put { my ($suffix, $text) = @_; open my $f, ">:utf8", sprintf("%s/%03d.%s", $folder, $n, $suffix) or die $!; print $f $text; }
        open my $in, "<:utf8", $page or die $!;
        while (my $line = <$in>) {
            $line =~ s/sftp\.fjordparts\.example/127.0.0.1/g;
            $line =~ s/(-p |port = |port )22\b/$1$ENV{SFTP_PORT}/g;
            $line =~ s/\b1844(\d)\b/$ENV{PORTS} + $1/ge;
            $line =~ s{/tmp/sandbox}{$ENV{SANDBOX}}g;
            $line =~ s/(user = |as )nordmat\b/$1$ENV{SFTP_USER}/g;
            if (!defined $kind) {
                if ($line =~ /^<!-- meanwhile: (.*) -->/) { $n++; put("meanwhile", "$1\n") }
                ($kind, $arg, @text) = ($1, $2 // "") if $line =~ /^```(\w+) *(.*?)\s*$/;
                next;
            }
            if ($line !~ /^```\s*$/) { push @text, $line; next }
            if ($kind eq "console") {
                my ($command, $want) = ("", "");
                for (@text, "\$ \n") {
                    if (/^\$ (.*)/s) {
                        my $next = $1;
                        if ($command ne "") { $n++; put("run", $command); put("want", $want) }
                        ($command, $want) = ($next, "");
                    } elsif ($want eq "" && /^> (.*)/s) { $command .= $1 }
                    else { $want .= $_ }
                }
            } elsif ($arg =~ /^= (\S+)$/) { $n++; put("same", join("", "$1\n", @text)) }
            elsif ($kind eq "map" && $arg =~ /^(?:in (.+))?$/) { $n++; put("map", join("", defined $1 ? "$1\n" : "", @text)) }
            elsif ($kind eq "ini" && $arg eq "" && grep { /^\[(endpoint|route|partner) / } @text) { $n++; put("ini", join("", @text)) }
            elsif ($arg =~ m{^\S+$}) { $n++; put("file", join("", "$arg\n", @text)) }
            elsif ($arg ne "") { die "$page: ```$kind $arg is not understood\n" }
            undef $kind;
        }
        die "$page: a block has no end\n" if defined $kind;
    ' "$1" "$2"
}
fits() { # WANTED ACTUAL
    perl -Mutf8 -CSD -e '
        local $/; my ($want, $got) = map { open my $f, "<:utf8", $_ or die; (scalar <$f> // "") =~ s/\s*\z/\n/r =~ s/\r//gr
            =~ s/^[-\d]{10}T[:.\d]{12}Z (?=(?:INFO|WARNING|ERROR) )//mgr } # the time in front of the log, which a terminal does not show
            @ARGV;
        my $e = join "", map { my $l = $_; $l =~ /^\s*…\n?$/ ? "(?:.*\n)*?" : join("[^\n]*", map { quotemeta } split /…/, $l, -1) }
            $want =~ /([^\n]*\n|[^\n]+)/g;
        exit($got =~ /\A$e\z/ ? 0 : 1)' "$1" "$2"
}
parts_of() { find "$parts" -name "*.$1" | wc -l; }

cat >"$work/play" <<'END'
trap 'kill $(jobs -p)' EXIT # what the page left running
rc=0
for part in "$1"/*; do
    case $part in
    *.file)
        path=$(head -1 "$part")
        mkdir -p "$(dirname "${path#+}")"
        [[ $path == +* ]] || : >"$path"
        tail -n +2 "$part" >>"${path#+}"
        ;;
    *.meanwhile) eval "$(cat "$part")" ;;
    *.run) (exit $rc); eval "$(cat "$part")" >"${part%.run}.got" 2>&1 </dev/null; rc=$? ;;
    esac
done
END

for page in "$top_srcdir"/docs/*.md "$top_srcdir/README.md"; do
    name=$(basename "$page" .md)
    grep -Eq '^```(console|map|ini|\w+ +\S)' "$page" || continue
    dir=$work/$name parts=$work/$name.parts
    mkdir -p "$dir" "$parts"
    for f in samples translators tests; do ln -s "$top_srcdir/$f" "$dir/$f"; done
    ln -s "$(dirname "$SPOOLGATE")" "$dir/build"
    extract "$page" "$parts" || { fail "$name.md can be taken apart"; continue; }
    [ -n "$(ls "$parts")" ] || continue
    # one shell a page, so that cd and export last
    (cd "$dir" && timeout -k 5 100 bash "$work/play" "$parts")
    bad=0
    for part in "$parts"/*; do
        case $part in
        *.run)
            fits "${part%.run}.want" "${part%.run}.got" && continue
            bad=$((bad + 1))
            fail "$name.md: \$ $(head -1 "$part")" "the page says:" "$(cat "${part%.run}.want")" "but:" "$(cat "${part%.run}.got")"
            ;;
        *.map)
            said=$(cd "$dir" && cp "$part" part.map && "$SPOOLGATE" map check part.map 2>&1) && continue
            bad=$((bad + 1))
            fail "$name.md: this map is in order:" "$(cat "$part")" "$said"
            ;;
        *.ini)
            conf=$dir/${part##*/}.d/spoolgate.conf
            mkdir -p "${conf%/*}" && cp "$part" "$conf"
            said=$("$SPOOLGATE" config check --json -c "$conf" |
                jq -r '.findings[] | select(.severity == "error" and (.what | test("There is no group") | not)) | .what')
            [ -n "$said" ] || continue
            bad=$((bad + 1))
            fail "$name.md: this configuration is in order:" "$(cat "$part")" "$said"
            ;;
        *.same)
            said=$(tail -n +2 "$part" | diff - "$top_srcdir/$(head -1 "$part")" 2>&1) && continue
            bad=$((bad + 1))
            fail "$name.md: $(head -1 "$part") is as printed" "$said"
            ;;
        esac
    done
    is "$bad" 0 "$name.md: $(parts_of run) commands, $(parts_of map) maps, $(parts_of ini) configurations, $(parts_of file) files, $(parts_of same) samples are as printed"
done
finish
