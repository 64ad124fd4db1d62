# Podman: containers without a daemon, as root or as an ordinary user.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkIf mkOption types;
  cfg = config.virtualisation.podman;
  bool = default: description: mkOption { type = types.bool; inherit default description; };
in

{
  options.virtualisation.podman = {
    enable = lib.mkEnableOption "Podman, which runs containers";
    package = lib.mkPackageOption pkgs "podman" { };
    dockerCompat = bool false "Whether `docker` is Podman.";
    dockerSocket.enable = bool false "Whether Podman answers on Docker's socket.";
    extraPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Further packages, such as other runtimes.";
    };
    defaultNetwork.settings = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      example = { dns_enabled = true; };
      description = "Settings of the network `podman`.";
    };
    autoPrune = {
      enable = bool false "Whether unused data is removed regularly.";
      dates = mkOption { type = types.str; default = "weekly"; description = "When (systemd.time(7))."; };
      flags = mkOption { type = types.listOf types.str; default = [ ]; description = "Arguments of podman system prune."; };
    };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = !((cfg.dockerCompat || cfg.dockerSocket.enable) && config.virtualisation.docker.enable);
      message = "virtualisation.podman cannot stand in for Docker while virtualisation.docker.enable is true.";
    }];

    environment.systemPackages = [
      cfg.package pkgs.crun pkgs.conmon pkgs.netavark pkgs.aardvark-dns pkgs.passt
      pkgs.fuse-overlayfs pkgs.uidmap pkgs.nftables
    ] ++ lib.optional cfg.dockerCompat pkgs.podman-docker ++ cfg.extraPackages;

    environment.etc = {
      # Silences the notice that `docker` is Podman.
      "containers/nodocker" = mkIf cfg.dockerCompat { text = ""; };
      "containers/networks/podman.json" = mkIf (cfg.defaultNetwork.settings != { }) {
        text = builtins.toJSON ({
          name = "podman";
          id = "0000000000000000000000000000000000000000000000000000000000000000";
          driver = "bridge";
          network_interface = "podman0";
          internal = false;
          ipv6_enabled = false;
          dns_enabled = false;
          ipam_options.driver = "host-local";
          subnets = [ { subnet = "10.88.0.0/16"; gateway = "10.88.0.1"; } ];
        } // cfg.defaultNetwork.settings);
      };
    };

    boot.kernelModules = [ "bridge" "veth" ];
    systemd.sockets.podman = mkIf cfg.dockerSocket.enable {
      overrideStrategy = "asDropin";
      wantedBy = [ "sockets.target" ];
      socketConfig.Symlinks = [ "/run/docker.sock" ];
    };
    systemd.services.podman-prune = mkIf cfg.autoPrune.enable {
      description = "Remove unused Podman data";
      startAt = cfg.autoPrune.dates;
      serviceConfig.Type = "oneshot";
      serviceConfig.ExecStart = "/usr/bin/podman system prune -f ${lib.concatStringsSep " " cfg.autoPrune.flags}";
    };
  };
}
