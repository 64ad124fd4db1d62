# Accounts made by systemd-sysusers: an option that configurations set.
#
# Accounts that are declared (users.users) are made at activation; those that packages declare in
# /usr/lib/sysusers.d by systemd-sysusers, which is always so.
{ lib, ... }:
{
  options.systemd.sysusers.enable = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = "Accepted for compatibility: declared accounts are made at activation.";
  };
}
