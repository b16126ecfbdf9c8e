#!/usr/bin/env perl
# The pages against the program: options, commands, exit statuses, configuration keys and links, both ways.
use strict;
use warnings;

my $top = $ENV{top_srcdir} || '.';
my $program = $ENV{SPOOLGATE} || "$top/build/spoolgate";
my ($count, $failed) = (0, 0);

sub ok {
    my ($good, $text, @why) = @_;
    $count++;
    $failed++ unless $good;
    print(($good ? '' : 'not '), "ok $count - $text\n", map { "#   $_\n" } $good ? () : @why);
}

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or die "$path: $!";
    local $/;
    return scalar <$f>;
}

# Both lists hold the same.
sub same {
    my ($got, $wanted, $text, $left, $right) = @_;
    my %a = map { $_ => 1 } @$got;
    my %b = map { $_ => 1 } @$wanted;
    my @only_a = grep { !$b{$_} } sort keys %a;
    my @only_b = grep { !$a{$_} } sort keys %b;
    ok(scalar(!@only_a && !@only_b && keys %a), $text, (map { "only in $left: $_" } @only_a), (map { "only in $right: $_" } @only_b));
}

# ---- commands: --help, the manual page, the source ----
my $help = `'$program' --help`;
my @commands = $help =~ /^  (\w+) +\S/mg;
my %role = map { $_ => 1 } qw(translator courier poller);
my $main = slurp("$top/docs/man/spoolgate.1");
my ($list) = $main =~ /The commands,.*?\.Bl(.*?)\.El/s;
same([map { split / , / } $list =~ /^\.It Cm (.*)/mg], \@commands, 'spoolgate(1) lists the commands', 'the page', '--help');

my $installed = slurp("$top/docs/man/man.mk");
same([$installed =~ m{docs/man/(\S+\.\d)}g], [map { s{.*/}{}r } glob("$top/docs/man/*.[15]")], 'every manual page is installed',
    'man.mk', 'docs/man');

same([$installed =~ m{docs/(\S+\.md)}g], [map { s{.*/}{}r } glob("$top/docs/*.md")], 'every page is installed', 'man.mk', 'docs');

sub numbers { # of an exit status section
    my ($text) = @_;
    return map { $_ + 0 } $text =~ /(?:^|[,;(\s])(\d\d?)(?=\s+[a-zA-Z".])/mg;
}

for my $command (@commands) {
    my $usage = `'$program' $command --help`;
    my $page = slurp("$top/docs/man/spoolgate-" . ($role{$command} ? 'run' : $command) . '.1');
    my @told = $usage =~ /^ +(?:-\w, )?--([a-z-]+)/mg;
    my @short = $usage =~ /^ +-(\w), --/mg;
    my @items = $page =~ /^\.It (Fl .*)/mg;
    my @long_page = grep { $_ ne "help" } map { /Fl -([a-z-]+)/g } @items;
    my @short_page = map { /Fl (\w)\b/g } @items;
    if ($role{$command}) { # the page is that of run
        ok(0 == scalar(grep { my $o = $_; !grep { $_ eq $o } @long_page } @told), "$command: its options are in spoolgate-run(1)");
    } else {
        same(\@long_page, \@told, "$command: options of the manual page", 'the page', '--help');
        same([@short_page, 'none'], [@short, 'none'], "$command: short options of the manual page", 'the page', '--help');
        my ($synopsis) = $page =~ /\.Sh SYNOPSIS(.*?)\.Sh/s;
        my %known = map { $_ => 1 } @long_page, @short_page, 'help';
        my @unknown = grep { !$known{$_} } $synopsis =~ /Fl -?([a-z][a-z-]*)/g;
        ok(!@unknown, "$command: the synopsis has no other options", @unknown);
        my $source = "$top/src/command/$command.c";
        $source = "$top/src/command/common.c" if slurp($source) =~ /command_options\(/;
        my ($table) = slurp($source) =~ /static const struct option options\[\] = \{(.*?)\};/s;
        if ($table) {
            same([grep { $_ ne "help" } $table =~ /\{"([a-z-]+)"/g], \@told, "$command: options it takes", 'the source', '--help');
        }
    }
    next if $command eq 'sandbox';
    my ($exit) = $page =~ /\.Sh EXIT STATUS(.*?)\.Sh/s;
    my ($usage_exit) = $usage =~ /Exit status:(.*)/s;
    ok($exit && $usage_exit, "$command: exit statuses are told in both places");
    my @page_numbers = $exit =~ /^\.It (\d+)/m ? $exit =~ /^\.It (\d+)/mg : numbers($exit);
    if ($role{$command}) {
        my %there = map { $_ => 1 } @page_numbers;
        ok(0 == scalar(grep { !$there{$_} } numbers($usage_exit)), "$command: exit statuses of --help are in spoolgate-run(1)");
    } else {
        same([grep { $command ne 'run' || $_ != 73 } @page_numbers], [numbers($usage_exit)], "$command: exit statuses", 'the page',
            '--help');
    }
}

# ---- configuration: the program's keys, docs/configuration.md, spoolgate.conf(5) ----
my (%program, %fallback);
my $keys = slurp("$top/src/route/keys.c");
my %section = (main => '[spoolgate]', us => '[us]', alerts => '[alerts]', metrics => '[metrics]', route => '[route NAME]', source => '[source NAME]',
    partner => '[partner ID]', sending => '[send TYPE]');
while ($keys =~ /const struct key (\w+)_keys\[\] = \{(.*?)\n\};/sg) {
    my ($name, $table) = ($section{$1}, $2);
    while ($table =~ /\{"(\w+)",\s*KEY_\w+,\s*[^"]*?(?:"([^"]*)"|NULL),/g) {
        $fallback{$name}{$1} = $2 if defined $2;
    }
    $program{$name} = [$table =~ /\{"(\w+)",/g];
}
my ($pickup) = slurp("$top/src/adapter/pickup.h") =~ /#define PICKUP_SETTINGS (.*)/;
my (%required, @adapters);
for my $file (glob("$top/src/adapter/*.c $top/src/adapter/*/*.c")) {
    my $text = slurp($file);
    my ($settings) = $text =~ /settings\[\] = \{(.*?)\}/s or next;
    my ($adapter) = $file =~ m{/(\w+)\.c$};
    push @adapters, $adapter;
    $settings =~ s/PICKUP_SETTINGS/$pickup/;
    my @all = $settings =~ /"([^"]+)"/g;
    $required{"adapter = $adapter"}{s/!//r} = 1 for grep { /!/ } @all;
    $program{"adapter = $adapter"} = [grep { $_ ne 'give_up_hours' } map { s/!//r } @all];
}
$program{'[endpoint NAME]'} = ['adapter', 'give_up_hours'];

my $md = slurp("$top/docs/configuration.md");
my $conf = slurp("$top/docs/man/spoolgate.conf.5");
for my $name (sort keys %program) {
    my ($text) = $md =~ /^#+ \Q$name\E\n(.*?)(?=^#|\z)/ms;
    my @rows = ($text // '') =~ /^\| (`.*)/mg;
    same([map { my ($first) = split / \| /; $first =~ /`(\w+)`/g } @rows], $program{$name}, "configuration.md: keys of $name",
        'the page', 'the program');
    my ($ss) = $conf =~ /^\.Ss \Q$name\E\n(.*?)(?=^\.S[sh])/ms;
    same([map { /Cm (\w+)/g } ($ss // '') =~ /^\.It (.*)/mg], $program{$name},
        "spoolgate.conf(5): keys of $name", 'the page', 'the program');
    for my $row (@rows) {
        my ($first, $default) = split / \| /, $row;
        my @names = $first =~ /`(\w+)`/g;
        for my $key (@names) {
            my $value = $fallback{$name}{$key};
            ok(index($default // '', $value) >= 0, "configuration.md: default of $key", "it is $value, the page says $default")
                if defined $value && @names == 1;
            ok(($default // '') =~ /required/, "configuration.md: $key of $name is required")
                if $required{$name}{$key} && @names == 1;
        }
    }
}
my ($words) = $md =~ /^\| `adapter` \| (.*?) \|/m;
same([$words =~ /`(\w+)`/g], \@adapters, 'configuration.md: the adapters', 'the page', 'the program');

# ---- findings of maps ----
my %codes;
$codes{$_} = 1 for map { slurp($_) =~ /"((?:map|canonical)\.[a-z.-]+)"/g } glob("$top/src/map/*.c"), "$top/src/command/offline.c";
my ($findings) = slurp("$top/docs/map-language.md") =~ /^\| code \| what it says \|\n(.*?)\n\n/ms;
same([map { my ($first) = split / \| /; $first =~ /`([a-z.-]+)`/g } split /\n/, $findings // ''], [keys %codes],
    'map-language.md: the codes of findings', 'the page', 'the program');

my %x12;
$x12{$_} = 1 for map { slurp($_) =~ /"(x12\.[a-z.-]+)"/g } glob("$top/src/edi/*.c $top/src/edi/x12/*.c $top/src/syntax/*.c");
$x12{"x12.$_"} = 1 for grep { $_ ne 'none' } slurp("$top/src/edi/fault.c") =~ /\[FAULT_\w+\] = \{"([a-z.-]+)"/g;
my @x12_page;
for my $row (slurp("$top/docs/x12.md") =~ /^\| (`x12\..*?) \|/mg) {
    my $group = '';
    for my $code ($row =~ /`([a-z0-9.-]+)`/g) {
        $group = $1 if $code =~ /^(x12\.\w+)\./;
        push @x12_page, $code =~ /^\./ ? "$group$code" : $code;
    }
}
same(\@x12_page, [keys %x12], 'x12.md: the codes of findings', 'the page', 'the program');

# ---- commands that pages speak of ----
my %usage = map { $_ => scalar(`'$program' $_ --help`) } @commands;
my @strange;
for my $page ("$top/README.md", glob("$top/docs/*.md"), glob("$top/docs/man/*.[15]"), "$top/spool/README.md") {
    my $text = slurp($page);
    my @said = $text =~ /^(?:\$ |\.Dl (?:\$ )?|sudo -u spoolgate )spoolgate ([a-z]+ .*)/mg;
    push @said, $text =~ /`spoolgate ([a-z]+[^`]*)`/g;
    push @said, map { /^spoolgate ([a-z]+ .*)/mg } $text =~ /^```sh\n(.*?)^```/msg;
    for my $command (@said) {
        my ($name, $rest) = $command =~ /^(\w+)([^|;&#\$]*)/;
        push @strange, "$page: spoolgate $name" if !$usage{$name};
        push @strange, map { "$page: spoolgate $name $_" }
            grep { $usage{$name} && $_ ne '--help' && index($usage{$name}, $_) < 0 } $rest =~ /(--[a-z][a-z-]+)/g;
    }
}
ok(!@strange, 'commands and options that pages speak of are there', @strange);

# ---- what the pages for developers list ----
my $architecture = slurp("$top/docs/architecture.md");
my @unnamed = grep { index($architecture, $_) < 0 } map { s{.*/}{}r } glob("$top/src/role/*.c");
push @unnamed, grep { index($architecture, $_) < 0 } map { m{/(\w+)/$} ? "`$1/`" : () } glob("$top/src/*/");
ok(!@unnamed, 'architecture.md names every module and every file of role/', @unnamed);
my $state = slurp("$top/docs/state.md");
my @tables = slurp("$top/src/state/migrations.c") =~ /CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g;
ok(@tables && !(grep { index($state, "`$_`") < 0 } @tables), 'state.md names every table', @tables);

# ---- links ----
sub anchors { # as GitHub makes them of headings
    my ($text) = @_;
    $text =~ s/^```.*?^```//msg;
    my %anchors;
    for my $heading ($text =~ /^#+ +(.*)/mg) {
        my $a = lc $heading;
        $a =~ s/[^\w\s-]//g;
        $a =~ s/\s/-/g;
        $anchors{$a} = 1;
    }
    return \%anchors;
}
my @pages = ("$top/README.md", glob("$top/docs/*.md"), "$top/spool/README.md", "$top/translators/x12/README.md",
    "$top/translators/names/README.md", "$top/tests/corpus/x12/README.md");
my @broken;
my $links = 0;
for my $page (@pages) {
    my ($folder) = $page =~ m{(.*)/};
    my $text = slurp($page);
    $text =~ s/^```.*?^```//msg;
    while ($text =~ /\]\(([^)\s]+)\)/g) {
        my $target = $1;
        next if $target =~ /^\w+:/;
        $links++;
        my ($path, $anchor) = split /#/, $target, 2;
        my $file = $path eq '' ? $page : "$folder/$path";
        if (!-e $file) { push @broken, "$page: $target" }
        elsif (defined $anchor && !anchors(slurp($file))->{$anchor}) { push @broken, "$page: $target: no such heading" }
    }
    while ($text =~ m{(?<![\w./-])((?:src|docs|samples|translators|tests|spool)/[\w./-]*\w)}g) {
        my $path = $1;
        next if $path =~ m{^spool/(?:inbox|translate|outbox|archive|error|\.)} || grep { -e "$_/$path" } $top, "$top/src", $folder;
        next if glob("$top/$path.[ch]") || $path =~ m{^translators/canonical$};
        push @broken, "$page: $path is not there";
    }
}
ok($links > 20 && !@broken, "all $links relative links lead somewhere", @broken);

print "1..$count\n";
exit($failed ? 1 : 0);
