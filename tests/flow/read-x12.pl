# Reads an X12 file with Debian's X12::Parser and prints "SEGMENT ELEMENT VALUE" lines.
use strict;
use warnings;
use X12::Parser;
use File::Temp;
# the module wants a grammar file; one flat loop that begins with ST serves to walk any set
my $cf = File::Temp->new;
print $cf "[LOOPS]\nISA\nGS\nST\nSE\nGE\nIEA\n\n[ISA]\nsegment=ISA:::Interchange:R:1\n[GS]\nsegment=GS:::Group:R:1\n"
    . "[ST]\nsegment=ST:::Set:R:1\n[SE]\nsegment=SE:::End:R:1\n[GE]\nsegment=GE:::End:R:1\n[IEA]\nsegment=IEA:::End:R:1\n";
close $cf;
my $p = X12::Parser->new;
$p->parsefile(file => $ARGV[0], conf => "$cf");
my $separator = $p->get_element_separator;
while (my ($pos, $level, $loop) = $p->get_next_pos_level_loop) {
    for my $segment ($p->get_loop_segments) {
        $segment =~ s/^\s+|\s+$//g;
        my @e = split /\Q$separator\E/, $segment, -1;
        print "$e[0] $_ $e[$_]\n" for 1 .. $#e;
    }
}
