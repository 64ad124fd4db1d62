/**
 * Run in the small world: a download that tries what it reaches, by all the ways there are. Prints
 * what it says, a line for each try. The argument is the folder for the store.
 */

import { existsSync } from 'node:fs';
import { hashOf } from '#base';
import { sandboxAt } from './builds.ts';
import { world } from './network-world.ts';

/** What Perl needs of this machine. */
const visiblePaths = ['/usr/bin/perl', '/usr/lib', '/lib', '/lib64', '/usr/share/perl']
  .filter((path) => existsSync(path)).map((path) => ({ target: path, source: path }));

/**
 * `reach` sends to an address by TCP or UDP and says what came back. The ways: as usual, bound to the
 * device, and with the device as the option of a socket.
 */
const program = `
use Socket qw(:all); use strict; $| = 1;
my $port = ${world.port}; my $patience = 0;
sub reach {
  my ($way, $kind, $host, $to, $message) = @_; $to ||= $port; $message ||= 'x';
  my $six = $host =~ /:/; my $socket;
  my $answer = eval {
    socket($socket, $six ? AF_INET6 : AF_INET, $kind eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or die "$!\\n";
    setsockopt($socket, SOL_SOCKET, SO_BROADCAST, 1);
    if ($way eq 'bound') { setsockopt($socket, SOL_SOCKET, 25, "tap0\\0") or die "bind $!\\n"; }
    if ($way eq 'chosen') { setsockopt($socket, $six ? 41 : 0, $six ? 76 : 50, pack('N', 2)) or die "choose $!\\n"; }
    setsockopt($socket, SOL_SOCKET, $_, pack('l!l!', $patience, 20000)) for SO_RCVTIMEO, SO_SNDTIMEO;
    connect($socket, $six ? pack_sockaddr_in6($to, inet_pton(AF_INET6, $host), $way eq 'plain' ? 0 : 2) : pack_sockaddr_in($to, inet_aton($host))) or die "$!\\n";
    send($socket, $message, 0); my $got = ''; recv($socket, $got, 200, 0); $got eq '' ? "$!\\n" : $got;
  };
  $answer = $@ unless defined $answer; $answer =~ s/\\s+$//; $answer = 'nothing' if $answer eq '';
  print "$way $kind $host: $answer\\n";
}
my @machine = ('127.0.0.1', '127.0.0.53', '${world.machine}', '${world.alias}', '10.213.87.2', '10.213.87.3', '255.255.255.255', '::1', '${world.machineSix}', 'fd00::2', 'fd00::3', '::ffff:127.0.0.1');
for my $way ('plain', 'bound', 'chosen') { for my $kind ('tcp', 'udp') { reach($way, $kind, $_) for @machine; } }
reach('bound', 'udp', '224.0.0.1'); reach('bound', 'udp', 'ff02::1');
$patience = 20;
for my $kind ('tcp', 'udp') { reach('plain', $kind, $_) for ('${world.neighbour}', '${world.outside}', '${world.outsideSix}'); }
reach('plain', 'udp', '${world.outside}', $port, 'x' x 4000);
my $found = inet_aton('${world.name}'); print 'name: ', $found ? inet_ntoa($found) : 'unknown', "\\n";
socket(my $unix, AF_UNIX, SOCK_STREAM, 0); my $is = connect($unix, pack('S', AF_UNIX) . "\\0firn-network") ? 'reached' : "$!"; print "abstract: $is\\n";
open(my $out, '>', $ENV{out}); print $out 'done'; close $out;
`;

const builds = sandboxAt(process.argv[2] as string);
const fixed = { method: 'flat', hash: hashOf('sha256', 'done') } as const;
const made = builds.add('network', { script: 'exec /usr/bin/perl -e "$program"', env: { program }, fixed });
try {
  await builds.build(made, { visiblePaths, network: 'isolated' });
} catch (error) {
  console.log(`error: ${(error as Error).message}`, (error as Error).cause);
}
console.log(builds.logOf(made));
builds.close();
