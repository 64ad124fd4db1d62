#!/usr/bin/perl
# Makes /etc of a tree in the store (environment.etc).
#
#   setup-etc TREE [ROOT]
#
# TREE/etc is the content; TREE/special-files names the files that are copied or linked directly,
# one per line: kind, mode, owner, group, path, with tabs between. ROOT is put before /etc, for
# tests and for systems that are not running.
#
# Every change is made beside its target and renamed into place, so that a reader never misses a
# file. What an earlier tree brought and this one does not is removed; what else stands in /etc is
# left alone: a file that is in the way of a link is moved to NAME.before-firn once.
use strict;
use warnings;
use File::Basename qw(dirname basename);
use File::Path qw(make_path);

my ($tree, $root) = @ARGV;
die "usage: setup-etc TREE [ROOT]\n" unless defined $tree;
$root = '' unless defined $root;

my $source = "$tree/etc";
my $etc = "$root/etc";
my $static = "/etc/static";
my $list = "$etc/.clean";
my $failed = 0;

sub complain {
    my ($text) = @_;
    warn "setup-etc: $text\n";
    $failed = 1;
}

# Puts a link at $path, in one step.
sub place_link {
    my ($target, $path) = @_;
    my $current = readlink $path;
    return 1 if defined $current && $current eq $target;
    my $fresh = "$path.tmp-firn";
    unlink $fresh;
    symlink($target, $fresh) or return 0;
    if (!rename($fresh, $path)) {
        unlink $fresh;
        return 0;
    }
    return 1;
}

# perl-base, which is all a system has for certain, brings no File::Copy.
sub copy_file {
    my ($from, $to) = @_;
    open(my $in, '<:raw', $from) or return 0;
    open(my $out, '>:raw', $to) or return 0;
    my $block;
    while (1) {
        my $count = sysread($in, $block, 1 << 16);
        return 0 unless defined $count;
        last if $count == 0;
        print $out $block or return 0;
    }
    return close $out;
}

# Whether nothing is lost when a link takes this place: a link, or nothing.
sub is_replaceable {
    my ($path) = @_;
    return 1 if -l $path;
    return !-e $path;
}

sub keep_aside {
    my ($path) = @_;
    my $aside = "$path.before-firn";
    if (-e $aside || -l $aside) { $aside .= ".$$"; }
    rename($path, $aside) or return 0;
    warn "setup-etc: $path was in the way and is now $aside\n";
    return 1;
}

# Folders of /etc that are themselves links into a tree (of an older system) become folders.
sub ensure_folder {
    my ($path) = @_;
    return 1 if -d $path && !-l $path;
    my $parent = dirname($path);
    ensure_folder($parent) if length($parent) >= length($etc) && $parent ne $path;
    if (-l $path) { unlink $path; }
    elsif (-e $path) { keep_aside($path) or return 0; }
    mkdir($path, 0755) or -d $path or return 0;
    return 1;
}

# owner or group: a name, or a number after "+".
sub number_of {
    my ($name, $kind) = @_;
    return int($1) if $name =~ /^\+?(\d+)$/;
    my $number = $kind eq 'user' ? getpwnam($name) : getgrnam($name);
    if (!defined $number) {
        complain("there is no $kind `$name', root is taken");
        return 0;
    }
    return $number;
}

# 1. What has to be more than a link.
my %special;
if (open(my $in, '<', "$tree/special-files")) {
    while (my $line = <$in>) {
        chomp $line;
        my ($kind, $mode, $user, $group, $path) = split /\t/, $line, 5;
        $special{$path} = { kind => $kind, mode => $mode, user => $user, group => $group };
    }
    close $in;
}

# 2. What copies earlier runs made.
my %copied;
if (open(my $in, '<', $list)) {
    while (my $line = <$in>) { chomp $line; $copied{$line} = 1; }
    close $in;
}

make_path($etc) unless -d $etc;

# 3. Remove what is gone: links through /etc/static without a file behind them in the new tree,
# and copies that are no longer wanted. Then the tree takes its place.
sub clean {
    my ($folder, $relative) = @_;
    opendir(my $handle, $folder) or return;
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir $handle;
    closedir $handle;
    for my $name (@names) {
        my $path = "$folder/$name";
        my $below = $relative eq '' ? $name : "$relative/$name";
        next if $below eq 'static';
        if (-l $path) {
            my $target = readlink $path;
            next unless $target =~ m{^\Q$static\E/};
            next if -e "$source/$below" || -l "$source/$below";
            unlink $path or complain("cannot remove $path: $!");
        }
        elsif (-d $path) { clean($path, $below); }
    }
}
clean($etc, '');

place_link($source, "$etc/static") or die "setup-etc: cannot make $etc/static: $!\n";

# 4. Make what is there.
my %made;
sub install_file {
    my ($relative) = @_;
    my $from = "$source/$relative";
    my $to = "$etc/$relative";
    my $how = $special{$relative};
    if (!ensure_folder(dirname($to))) {
        complain("cannot make the folder of $to: $!");
        return;
    }
    if (defined $how && $how->{kind} eq 'copy') {
        my $real = $from;
        my $fresh = "$to.tmp-firn";
        unlink $fresh;
        if (!copy_file($real, $fresh)) { complain("cannot copy $real to $fresh: $!"); return; }
        my $user = number_of($how->{user}, 'user');
        my $group = number_of($how->{group}, 'group');
        # The mode comes last: a change of owner clears special bits.
        chown($user, $group, $fresh) or complain("cannot give $to to its owner: $!");
        chmod(oct($how->{mode}), $fresh) or complain("cannot set the mode of $to: $!");
        if (-d $to && !-l $to) { keep_aside($to); }
        rename($fresh, $to) or complain("cannot put $to in place: $!");
        $made{$relative} = 1;
        return;
    }
    my $target = "$static/$relative";
    if (defined $how && $how->{kind} eq 'link') { $target = readlink($from); }
    if (!is_replaceable($to) && !$copied{$relative}) {
        keep_aside($to) or do { complain("$to is in the way: $!"); return; };
    }
    place_link($target, $to) or complain("cannot link $to: $!");
}

sub walk {
    my ($folder, $relative) = @_;
    opendir(my $handle, $folder) or die "setup-etc: cannot read $folder: $!\n";
    my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $handle;
    closedir $handle;
    for my $name (@names) {
        my $path = "$folder/$name";
        my $below = $relative eq '' ? $name : "$relative/$name";
        if (-d $path && !-l $path) { walk($path, $below); }
        else { install_file($below); }
    }
}
walk($source, '');

# 5. Copies of earlier systems that are no longer wanted.
for my $relative (sort keys %copied) {
    next if $made{$relative};
    next if -e "$source/$relative" || -l "$source/$relative";
    my $path = "$etc/$relative";
    if (-f $path) {
        unlink $path or complain("cannot remove $path: $!");
        rmdir dirname($path);
    }
}
if (open(my $out, '>', "$list.tmp-firn")) {
    print $out "$_\n" for sort keys %made;
    close $out;
    rename("$list.tmp-firn", $list) or complain("cannot write $list: $!");
}
else { complain("cannot write $list: $!"); }

exit($failed ? 1 : 0);
