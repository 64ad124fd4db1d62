# Brings /etc/{passwd,group,shadow,gshadow,subuid,subgid} in line with the declared accounts.
#
# Runs at activation, as root, with nothing but Debian's essential perl-base (hence no JSON: the
# declaration is a list of records, fields separated by tabs and percent-escaped). Accounts keep
# the numbers they have: a number comes from the declaration, else from the file, else from the
# map of numbers once given (/var/lib/nixos/*-map), else the next free one. With mutable users,
# accounts that the machine's owner added stay, and passwords once set stay. Every file is
# replaced in one step (written beside, synced, renamed), so an interruption leaves the old one.
#
# Usage: perl update-users-groups.pl SPEC [ROOT]     (ROOT: a prefix, for tests and installers;
# $SKELETON: what new homes are copied from instead of ROOT/etc/skel)
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock);
use POSIX ();

my ($spec_file, $root) = @ARGV;
$root = '' unless defined $root;
my $dry = ($ENV{NIXOS_ACTION} // '') eq 'dry-activate';
umask 022;

sub unescape { my ($s) = @_; $s =~ s/%([0-9A-F]{2})/chr(hex $1)/ge; return $s }
sub slurp {
    my ($path) = @_;
    open(my $in, '<', $path) or return ();
    chomp(my @lines = <$in>);
    close $in;
    return grep { length && !/^\s*#/ } @lines;
}
sub note { print STDERR "users: @_\n" }

sub replace_file {
    my ($path, $text, $mode, $gid) = @_;
    if (open(my $old, '<', $path)) {
        local $/;
        my $was = <$old>;
        my @stat = stat $old;
        return if defined $was && $was eq $text && ($stat[2] & 07777) == $mode && $stat[5] == $gid;
    }
    return if $dry;
    my $temporary = "$path.firn-new";
    unlink $temporary;
    sysopen(my $out, $temporary, O_WRONLY | O_CREAT | O_EXCL, 0600) or die "users: cannot write $temporary: $!\n";
    print $out $text or die "users: cannot write $temporary: $!\n";
    $out->flush() if $out->can('flush');
    close $out or die "users: cannot write $temporary: $!\n";
    chown 0, $gid, $temporary if $> == 0;
    chmod $mode, $temporary;
    rename $temporary, $path or die "users: cannot replace $path: $!\n";
}

# A salted hash of a clear-text password, by the system's own crypt(3).
sub hash_password {
    my ($password) = @_;
    my @letters = ('.', '/', 0 .. 9, 'A' .. 'Z', 'a' .. 'z');
    my $bytes = '';
    if (open(my $random, '<:raw', '/dev/urandom')) { read $random, $bytes, 22; close $random }
    die "users: no randomness for a password's salt\n" if length $bytes < 22;
    my $salt = join '', map { $letters[ord($_) & 63] } split //, $bytes;
    # sha512crypt's salt holds 16 letters; yescrypt's 22, the last of which codes two bits only.
    my $yescrypt_salt = substr($salt, 0, 21) . $letters[ord(substr($bytes, 21, 1)) & 3];
    for my $setting ("\$y\$j9T\$$yescrypt_salt\$", '$6$' . substr($salt, 0, 16) . '$') {
        my $hash = crypt($password, $setting);
        return $hash if defined $hash && length $hash > 20 && $hash !~ /^\*/;
    }
    die "users: crypt(3) knows neither yescrypt nor sha512crypt\n";
}

# --- the declaration -----------------------------------------------------------------------
my $mutable = 1;
my (@users, @groups);
for my $line (slurp($spec_file)) {
    my ($kind, @fields) = map { unescape($_) } split /\t/, $line, -1;
    my %record = map { my ($key, $value) = split /=/, $_, 2; ($key => $value) } @fields;
    if ($kind eq 'settings') { $mutable = $record{mutable} }
    elsif ($kind eq 'user')  { push @users, \%record }
    elsif ($kind eq 'group') { push @groups, \%record }
}
die "users: $spec_file declares no account\n" unless @users;

my $etc = "$root/etc";
my $state = "$root/var/lib/nixos";
unless ($dry) {
    for my $directory ("$root/etc", "$root/var", "$root/var/lib", $state) {
        mkdir $directory, 0755 unless -d $directory;
    }
}
my $lock;
if (!$dry && sysopen($lock, "$etc/.pwd.lock", O_WRONLY | O_CREAT, 0600)) {
    # The lock that lckpwdf(3) takes, so that passwd(1) and we never write at once.
    my $request = pack('s s x![q] q q i', 1, 0, 0, 0, 0);
    eval { local $SIG{ALRM} = sub { die }; alarm 15; fcntl($lock, 7, $request); alarm 0 };
}

# --- what is there -------------------------------------------------------------------------
my (%old_user, %old_group, %old_shadow, %old_admins, @old_user_order, @old_group_order);
for (slurp("$etc/passwd")) {
    my @f = split /:/, $_, -1;
    next if @f < 7;
    push @old_user_order, $f[0];
    $old_user{$f[0]} = { name => $f[0], password => $f[1], uid => $f[2], gid => $f[3],
        description => $f[4], home => $f[5], shell => $f[6] };
}
for (slurp("$etc/group")) {
    my @f = split /:/, $_, -1;
    next if @f < 4;
    push @old_group_order, $f[0];
    $old_group{$f[0]} = { name => $f[0], gid => $f[2], members => [grep { length } split /,/, $f[3]] };
}
for (slurp("$etc/shadow"))  { my @f = split /:/, $_, -1; $old_shadow{$f[0]} = \@f if @f >= 9 }
for (slurp("$etc/gshadow")) { my @f = split /:/, $_, -1; $old_admins{$f[0]} = \@f if @f >= 4 }

sub read_map {
    my %map;
    for (slurp($_[0])) { my ($name, $number) = split / /; $map{$name} = $number if defined $number }
    return %map;
}
my %uid_map = read_map("$state/uid-map");
my %gid_map = read_map("$state/gid-map");
my %sub_map = read_map("$state/auto-subuid-map");
my %declared_before = map { $_ => 1 } map { s/^user //r } grep { /^user / } slurp("$state/declared");
my %groups_before = map { $_ => 1 } map { s/^group //r } grep { /^group / } slurp("$state/declared");

# --- numbers -------------------------------------------------------------------------------
# System accounts go down from 999, as Debian's own tools count; people go up from 1000.
sub allocate {
    my ($taken, $is_system) = @_;
    if ($is_system) { for (my $n = 979; $n >= 400; $n--) { return $n unless $taken->{$n} } }
    else            { for my $n (1000 .. 29999) { return $n unless $taken->{$n} } }
    die "users: no free number is left\n";
}

my (%gid_taken, %uid_taken);
for (@groups) { $gid_taken{$_->{gid}} = $_->{name} if length $_->{gid} }
for (@users)  { $uid_taken{$_->{uid}} = $_->{name} if length $_->{uid} }
my %declared_group = map { $_->{name} => $_ } @groups;
my %declared_user = map { $_->{name} => $_ } @users;
for my $name (keys %old_group) { $gid_taken{$old_group{$name}{gid}} //= $name }
for my $name (keys %old_user)  { $uid_taken{$old_user{$name}{uid}} //= $name }
for my $name (keys %gid_map) { $gid_taken{$gid_map{$name}} //= $name }
for my $name (keys %uid_map) { $uid_taken{$uid_map{$name}} //= $name }

sub settle_number {
    my ($name, $declared, $old, $map, $taken, $is_system) = @_;
    return $declared if defined $declared && length $declared;
    for my $candidate ($old, $map) {
        next unless defined $candidate && length $candidate;
        return $candidate if ($taken->{$candidate} // $name) eq $name;
    }
    my $number = allocate($taken, $is_system);
    $taken->{$number} = $name;
    return $number;
}

# --- groups --------------------------------------------------------------------------------
my (@new_groups, %gid_of);
for my $group (sort { $a->{name} cmp $b->{name} } @groups) {
    my $name = $group->{name};
    my $old = $old_group{$name};
    my $gid = settle_number($name, $group->{gid}, $old ? $old->{gid} : undef, $gid_map{$name},
        \%gid_taken, $group->{system} ne '0');
    note("group '$name' changes its number from $old->{gid} to $gid; files of the old number stay")
        if $old && $old->{gid} != $gid;
    my %members = map { $_ => 1 } grep { length } split /,/, $group->{members};
    if ($mutable && $old) {
        # Members that the machine's owner added stay; declared accounts follow the declaration.
        for (@{$old->{members}}) { $members{$_} = 1 if !$declared_user{$_} || !$groups_before{$name} }
    }
    push @new_groups, { name => $name, gid => $gid, members => [sort keys %members] };
    $gid_of{$name} = $gid;
    $gid_map{$name} = $gid;
}
for my $name (@old_group_order) {
    next if $declared_group{$name};
    # A group that a former declaration made goes; one that the owner or a package made stays.
    next if $groups_before{$name};
    next if !$mutable && !is_package_number($old_group{$name}{gid});
    push @new_groups, $old_group{$name};
    $gid_of{$name} = $old_group{$name}{gid};
}
# Below 1000 stand the accounts that packages' own sysusers.d files make.
sub is_package_number { return $_[0] < 1000 }

# --- users ---------------------------------------------------------------------------------
my (@new_users, @new_shadow, %sub_range, @subuid, @subgid);
my $today = int(time / 86400);
for my $user (sort { $a->{name} cmp $b->{name} } @users) {
    my $name = $user->{name};
    my $old = $old_user{$name};
    my $uid = settle_number($name, $user->{uid}, $old ? $old->{uid} : undef, $uid_map{$name},
        \%uid_taken, $user->{system} eq '1');
    note("user '$name' changes its number from $old->{uid} to $uid; files of the old number stay")
        if $old && $old->{uid} != $uid;
    my $gid = $user->{group} =~ /^[0-9]+$/ ? $user->{group} : $gid_of{$user->{group}};
    die "users: user '$name' has the group '$user->{group}', which nobody declares\n" unless defined $gid;
    $uid_map{$name} = $uid;
    push @new_users, join ':', $name, 'x', $uid, $gid, $user->{description}, $user->{home}, $user->{shell};
    $user->{uid} = $uid;
    $user->{gid} = $gid;

    my $hash = password_of($user);
    my $shadow = $old_shadow{$name};
    my $expiry = '';
    if (length $user->{expires} && $user->{expires} =~ /^(\d+)-(\d+)-(\d+)$/) {
        # Days since 1970; POSIX::mktime is avoided since it speaks local time.
        my ($y, $m, $d) = ($1, $2, $3);
        my $shifted = $m <= 2 ? $y - 1 : $y;
        my $era = int($shifted / 400);
        my $of_era = $shifted - $era * 400;
        my $of_year = int((153 * ($m + ($m > 2 ? -3 : 9)) + 2) / 5) + $d - 1;
        $expiry = $era * 146097 + $of_era * 365 + int($of_era / 4) - int($of_era / 100) + $of_year - 719468;
    }
    if ($mutable && $shadow) {
        my @fields = @$shadow;
        # A package account ("!*") that now gets a declared password takes it.
        $fields[1] = $hash if defined $hash && !$declared_before{$name} && $fields[1] =~ /^[!*]+$/;
        $fields[7] = $expiry if length $expiry;
        push @new_shadow, join ':', @fields[0 .. 8];
    } else {
        push @new_shadow, join ':', $name, (defined $hash ? $hash : '!'), ($shadow ? $shadow->[2] : 1), '', '', '', '', $expiry, '';
    }
}
for my $name (@old_user_order) {
    next if $declared_user{$name};
    next if $declared_before{$name};
    my $old = $old_user{$name};
    next if !$mutable && !is_package_number($old->{uid});
    push @new_users, join ':', map { $old->{$_} } qw(name password uid gid description home shell);
    push @new_shadow, $old_shadow{$name} ? join(':', @{$old_shadow{$name}}) : "$name:!:1::::::";
}

# The declared password, undef for none. Precedence as documented for the options.
sub password_of {
    my ($user) = @_;
    my $from_file;
    if (length $user->{hashedPasswordFile}) {
        my $path = $user->{hashedPasswordFile};
        if (open(my $in, '<', -e "$root$path" ? "$root$path" : $path)) {
            $from_file = <$in> // '';
            chomp $from_file;
            $from_file =~ s/\s+$//;
        } else {
            note("cannot read $path, the password file of '$user->{name}': $!");
        }
    }
    return $from_file if defined $from_file;
    my @order = $mutable
        ? qw(password hashedPassword initialPassword initialHashedPassword)
        : qw(password initialPassword hashedPassword initialHashedPassword);
    for my $key (@order) {
        next unless exists $user->{$key};
        return $user->{$key} if $key =~ /hashed/i;
        return kept_hash($user) // hash_password($user->{$key});
    }
    return undef;
}
# A clear-text password is not hashed anew (with another salt) while the stored hash fits it.
sub kept_hash {
    my ($user) = @_;
    my $shadow = $old_shadow{$user->{name}} or return undef;
    return undef unless $shadow->[1] =~ /^\$/;
    for my $key (qw(password initialPassword)) {
        next unless exists $user->{$key};
        my $again = crypt($user->{$key}, $shadow->[1]);
        return $shadow->[1] if defined $again && $again eq $shadow->[1];
    }
    return undef;
}

# --- subordinate numbers -------------------------------------------------------------------
my %sub_taken;
$sub_taken{$sub_map{$_}} = $_ for keys %sub_map;
for my $user (sort { $a->{name} cmp $b->{name} } @users) {
    for my $kind (['subUidRanges', \@subuid], ['subGidRanges', \@subgid]) {
        push @{$kind->[1]}, map { "$user->{name}:$_" } grep { length } split /,/, $user->{$kind->[0]};
    }
    next unless $user->{autoSub} eq '1';
    my $start = $sub_map{$user->{name}};
    unless (defined $start) {
        for ($start = 100000; $sub_taken{$start}; $start += 65536) { }
        $sub_taken{$start} = $user->{name};
        $sub_map{$user->{name}} = $start;
    }
    push @$_, "$user->{name}:$start:65536" for \@subuid, \@subgid;
}

# --- write ---------------------------------------------------------------------------------
my $shadow_gid = $gid_of{shadow} // 0;
my $lines = sub { join '', map { "$_\n" } @_ };
replace_file("$etc/group", $lines->(map { join ':', $_->{name}, 'x', $_->{gid}, join(',', @{$_->{members}}) } @new_groups), 0644, 0);
replace_file("$etc/gshadow", $lines->(map {
    my $old = $old_admins{$_->{name}};
    join ':', $_->{name}, ($old ? $old->[1] : '!'), ($old ? $old->[2] : ''), join(',', @{$_->{members}})
} @new_groups), 0640, $shadow_gid);
replace_file("$etc/passwd", $lines->(@new_users), 0644, 0);
replace_file("$etc/shadow", $lines->(@new_shadow), 0640, $shadow_gid);
replace_file("$etc/subuid", $lines->(@subuid), 0644, 0);
replace_file("$etc/subgid", $lines->(@subgid), 0644, 0);
replace_file("$state/uid-map", $lines->(map { "$_ $uid_map{$_}" } sort keys %uid_map), 0644, 0);
replace_file("$state/gid-map", $lines->(map { "$_ $gid_map{$_}" } sort keys %gid_map), 0644, 0);
replace_file("$state/auto-subuid-map", $lines->(map { "$_ $sub_map{$_}" } sort keys %sub_map), 0644, 0);
replace_file("$state/declared", $lines->((map { "user $_" } sort keys %declared_user), (map { "group $_" } sort keys %declared_group)), 0644, 0);

# --- homes ---------------------------------------------------------------------------------
exit 0 if $dry;
for my $user (@users) {
    next unless $user->{createHome} eq '1';
    my $home = "$root$user->{home}";
    my $fresh = !-e $home;
    if ($fresh) {
        my $parent = '';
        for my $part (split m{/}, $home) { next unless length $part; $parent .= "/$part"; mkdir $parent, 0755 }
        copy_skeleton($ENV{SKELETON} // "$etc/skel", $home, $user->{uid}, $user->{gid}) if $user->{system} ne '1';
    }
    next if -l $home;
    chown $user->{uid}, $user->{gid}, $home if $> == 0;
    chmod oct($user->{homeMode}), $home;
}
sub copy_skeleton {
    my ($from, $to, $uid, $gid) = @_;
    opendir(my $directory, $from) or return;
    for my $entry (sort readdir $directory) {
        next if $entry eq '.' || $entry eq '..';
        my ($source, $target) = ("$from/$entry", "$to/$entry");
        if (-d $source) { mkdir $target, 0755; copy_skeleton($source, $target, $uid, $gid) }
        elsif (open(my $in, '<:raw', $source)) {
            open(my $out, '>:raw', $target) or next;
            local $/;
            print $out scalar <$in>;
            close $out;
        }
        chown $uid, $gid, $target if $> == 0;
    }
}
