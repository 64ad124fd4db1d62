# Configurations of hosts combined with installation media: what of them stays, what is enforced.
#
# The rules: the ISO base enforces the file systems it needs and no more; the installer base
# enforces the whole layout; netboot enforces its minimum. mkForce always wins over them.
let
  modules = ../../../distro/nixos/modules;
  lib = import ../../../distro/lib;

  evaluate = more: (import ../../../distro/nixos/lib/eval-config.nix {
    system = "x86_64-linux";
    modules = more;
  }).config;

  # An installed machine, as hosts are configured.
  host = {
    networking.hostName = "host";
    boot.loader.systemd-boot.enable = true;
    boot.loader.grub.enable = true;
    boot.loader.timeout = 3;
    fileSystems."/" = { device = "/dev/disk/by-uuid/0000-1111"; fsType = "ext4"; };
    fileSystems."/home" = { device = "/dev/disk/by-label/home"; fsType = "xfs"; options = [ "noatime" ]; };
    fileSystems."/nix/store" = { device = "/dev/disk/by-label/store"; fsType = "ext4"; };
    swapDevices = [ { device = "/dev/disk/by-label/swap"; } ];
    boot.initrd.luks.devices.crypt.device = "/dev/sda2";
  };

  # The same with its root file system and swap insisted on.
  insisting = {
    fileSystems."/" = lib.mkForce { device = "/dev/disk/by-uuid/0000-1111"; fsType = "ext4"; };
    swapDevices = lib.mkForce [ { device = "/dev/disk/by-label/swap"; } ];
    boot.loader.grub.enable = lib.mkForce true;
  };

  layout = config: {
    fileSystems = lib.mapAttrs (_: fs: "${fs.fsType} ${toString fs.device}") config.fileSystems;
    swap = map (swap: swap.device) config.swapDevices;
    luks = lib.attrNames config.boot.initrd.luks.devices;
    grub = config.boot.loader.grub.enable;
    timeout = config.boot.loader.timeout;
    failed = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
  };

  iso = modules + "/installer/cd-dvd/iso-image.nix";
  installer = modules + "/installer/cd-dvd/installation-cd-minimal.nix";
  netboot = modules + "/installer/netboot/netboot-minimal.nix";

  names = config: {
    inherit (config.image) baseName fileName filePath extension;
    inherit (config.isoImage) volumeID;
  };
in
{
  isoBase = layout (evaluate [ iso host ]);
  isoBaseForced = layout (evaluate [ iso insisting ]);
  installer = layout (evaluate [ installer host ]);
  installerForced = layout (evaluate [
    installer
    {
      fileSystems = lib.mkForce {
        "/" = { device = "/dev/disk/by-uuid/0000-1111"; fsType = "ext4"; };
      };
      swapDevices = lib.mkForce [ { device = "/dev/disk/by-label/swap"; } ];
    }
  ]);
  # A host that imports the installer itself is the same as one combined with it.
  importing = layout (evaluate [ (host // { imports = [ installer ]; }) ]);
  netboot = layout (evaluate [ netboot host ]);
  netbootForced = layout (evaluate [ netboot insisting ]);

  names = names (evaluate [ installer ]);
  oldNames =
    let config = evaluate [ installer { isoImage.isoName = "mine.iso"; } ];
    in { inherit (names config) fileName; inherit (config) warnings; };
  encrypted =
    let
      config = evaluate [ iso { boot.initrd.luks.devices.crypt = {
        device = "/dev/disk/by-id/disk";
        keyFile = "/key";
        keyFileSize = 16;
        allowDiscards = true;
        crypttabExtraOpts = [ "tpm2-device=auto" ];
      }; } ];
    in {
      inherit (layout config) failed;
      commands = config.boot.initrd.openDevicesCommands;
    };
  longLabel =
    let config = evaluate [ installer { isoImage.volumeID = "a-label-of-more-than-thirty-two-characters"; } ];
    in (layout config).failed;
  themed =
    let config = evaluate [ installer { isoImage.grubTheme = ./.; isoImage.compressImage = true; } ];
    in {
      fileName = config.image.fileName;
      targets = map (file: file.target) (lib.filter (file: lib.hasPrefix "/boot/grub/" file.target) config.isoImage.contents);
    };
  twoKernels =
    let config = evaluate [ (modules + "/installer/cd-dvd/installation-cd-minimal-combined.nix") ];
    in map (file: file.target) (lib.filter (file: lib.hasPrefix "/boot/" file.target) config.isoImage.contents);
}
