# What to say about an option that NixOS may have and this distribution does not: a Debian package
# of that name can be used without a module.
{ lib, pkgs, ... }:
let
  inherit (builtins) elem elemAt head length;
  groups = [
    "services"
    "programs"
    "virtualisation"
    "hardware"
  ];
  isPackage = name: pkgs ? ${name} && (pkgs.${name} ? reference);
in
{
  _module.explainUnknown =
    path:
    if length path < 2 || !elem (head path) groups || !isPackage (elemAt path 1) then
      ""
    else
      let
        name = elemAt path 1;
        reference = if lib.strings.escapeNixIdentifier name == name then "pkgs.${name}" else "pkgs.\"${name}\"";
      in
      lib.concatStringsSep "\n" (
        [
          "There is no module for `${head path}.${name}', but Debian's package ${name} can be used without one:"
          "  environment.systemPackages = [ ${reference} ];"
        ]
        ++ lib.optional (
          head path != "programs"
        ) "  systemd.installedUnits = [ \"${name}.service\" ];  # started at boot, if it has that unit"
      );
}
