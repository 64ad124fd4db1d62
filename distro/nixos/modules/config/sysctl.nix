# Runtime parameters of the kernel.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  isValue = value: value == null || builtins.isBool value || builtins.isString value || builtins.isInt value;
  valueType = lib.mkOptionType {
    name = "sysctl option value";
    check = isValue;
    merge = lib.mergeOneOption;
  };
  # Several modules may want a buffer of at least some size: the greatest counts.
  highest = types.ints.unsigned // {
    merge = loc: definitions: lib.foldl'
      (found: definition: if definition.value == null then null else if found == null then null else lib.max found definition.value) 0 definitions;
  };
  buffer = description: mkOption {
    type = types.nullOr highest;
    default = null;
    inherit description;
  };
  valueText = value: if value == true then "1" else if value == false then "0" else toString value;
in

{
  options.boot.kernel.sysctl = mkOption {
    type = types.submodule {
      freeformType = types.attrsOf valueType;
      options = {
        "net.core.rmem_max" = buffer "Greatest receive buffer of a socket in bytes; of several definitions the greatest counts.";
        "net.core.wmem_max" = buffer "Greatest send buffer of a socket in bytes; of several definitions the greatest counts.";
      };
    };
    default = { };
    example = lib.literalExpression ''{ "net.ipv4.tcp_syncookies" = false; "vm.swappiness" = 60; }'';
    description = "Kernel parameters as of sysctl(8); null leaves one out.";
  };

  config = {
    environment.etc."sysctl.d/60-nixos.conf".text = lib.concatStrings
      (lib.mapAttrsToList (name: value: lib.optionalString (value != null) "${name}=${valueText value}\n")
        config.boot.kernel.sysctl);

    boot.kernel.sysctl = {
      "kernel.kptr_restrict" = lib.mkDefault 1;
      "vm.max_map_count" = lib.mkDefault 1048576;
      "fs.inotify.max_user_instances" = lib.mkDefault 524288;
      "fs.inotify.max_user_watches" = lib.mkDefault 524288;
    };
  };
}
