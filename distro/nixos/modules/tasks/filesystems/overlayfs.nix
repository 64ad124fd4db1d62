# fileSystems.<name>.overlay: file systems laid over others.
{ config, lib, pkgs, utils, ... }:

let
  inherit (lib) concatStringsSep mkDefault mkIf mkOption optional optionals types;

  folder = what: mkOption {
    type = types.nullOr types.str;
    default = null;
    description = what;
  };

  overlay = { config, ... }:
    let
      cfg = config.overlay;
      writable = cfg.upperdir != null;
    in
    {
      options.overlay = {
        lowerdir = mkOption {
          type = types.nullOr (types.nonEmptyListOf (types.either types.str types.pathInStore));
          default = null;
          description = ''
            The folders at the bottom. To be written to, the overlay needs {option}`upperdir` and
            {option}`workdir` too; otherwise it needs at least two folders here.
          '';
        };
        upperdir = folder "The folder that takes what is written.";
        workdir = folder "An empty folder on the same file system as {option}`upperdir`.";
        useStage1BaseDirectories = mkOption {
          type = types.bool;
          default = true;
          description = ''
            Whether the folders of an overlay that is needed for booting are those of the system
            that is started. Nothing else is supported.
          '';
        };
      };

      config = mkIf (cfg.lowerdir != null) {
        fsType = "overlay";
        device = mkDefault "overlay";
        depends = map toString cfg.lowerdir ++ optionals writable [ cfg.upperdir cfg.workdir ];
        options = [ "lowerdir=${concatStringsSep ":" (map toString cfg.lowerdir)}" ]
          ++ optionals writable [ "upperdir=${cfg.upperdir}" "workdir=${cfg.workdir}" ];
      };
    };

  overlays = lib.filterAttrs (_: fs: fs.overlay.lowerdir != null) config.fileSystems;
  early = lib.filterAttrs (_: utils.fsNeededForBoot) overlays;
  late = lib.filterAttrs (_: fs: !utils.fsNeededForBoot fs && fs.overlay.upperdir != null) overlays;

  # The folders that are written to have to be there before the mount.
  makeFolders = fs:
    let mountUnit = "${utils.escapeSystemdPath fs.mountPoint}.mount"; in
    lib.nameValuePair "rw-${utils.escapeSystemdPath fs.mountPoint}" {
      requiredBy = [ mountUnit ];
      before = [ mountUnit ];
      unitConfig = {
        DefaultDependencies = false;
        RequiresMountsFor = "${fs.overlay.upperdir} ${fs.overlay.workdir}";
      };
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "/usr/bin/mkdir -p -m 0755 ${fs.overlay.upperdir} ${fs.overlay.workdir}";
      };
    };
in
{
  options.fileSystems = mkOption { type = types.attrsOf (types.submodule [ overlay ]); };

  config = {
    boot.initrd.availableKernelModules = mkIf (early != { }) [ "overlay" ];
    systemd.services = lib.mapAttrs' (_: makeFolders) late;

    assertions = lib.concatMap (fs: [
      {
        assertion = (fs.overlay.upperdir == null) == (fs.overlay.workdir == null);
        message = "The overlay for ${fs.mountPoint} needs both upperdir and workdir, or neither.";
      }
      {
        assertion = fs.overlay.upperdir != null || lib.length fs.overlay.lowerdir >= 2;
        message = "The overlay for ${fs.mountPoint} has no upperdir and so needs at least 2 lowerdirs.";
      }
      {
        assertion = fs.overlay.useStage1BaseDirectories;
        message = "The overlay for ${fs.mountPoint}: useStage1BaseDirectories = false is not supported.";
      }
    ]) (lib.attrValues overlays);
  };
}
