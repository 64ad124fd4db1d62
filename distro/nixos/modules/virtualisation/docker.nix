# Docker, from Debian's docker.io.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.virtualisation.docker;
in

{
  options.virtualisation.docker = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether Docker runs; members of `docker` control it, and with it the machine.";
    };
    enableOnBoot = mkOption {
      type = types.bool;
      default = true;
      description = "Whether it starts with the machine, or at its first use.";
    };
    package = lib.mkPackageOption pkgs "docker.io" { };
    daemon.settings = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      example = { ipv6 = true; };
      description = "Settings of daemon.json.";
    };
    extraOptions = mkOption {
      type = types.separatedString " ";
      default = "";
      description = "Further arguments of the daemon.";
    };
    autoPrune = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether unused data is removed regularly.";
      };
      dates = mkOption {
        type = types.str;
        default = "weekly";
        description = "When (systemd.time(7)).";
      };
      flags = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "--all" ];
        description = "Arguments of docker system prune.";
      };
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package pkgs.docker-cli pkgs.iptables ];
    users.groups.docker.gid = lib.mkDefault 402;
    boot.kernelModules = [ "bridge" "veth" "br_netfilter" "xt_nat" ];
    boot.kernel.sysctl = {
      "net.ipv4.conf.all.forwarding" = lib.mkOverride 98 true;
      "net.ipv4.conf.default.forwarding" = lib.mkOverride 98 true;
    };
    environment.etc."docker/daemon.json".text = builtins.toJSON cfg.daemon.settings;
    environment.etc."default/docker" = lib.mkIf (cfg.extraOptions != "") { text = ''DOCKER_OPTS="${cfg.extraOptions}"''; };
    systemd.sockets.docker = { overrideStrategy = "asDropin"; wantedBy = [ "sockets.target" ]; };
    systemd.services.docker = {
      overrideStrategy = "asDropin";
      wantedBy = lib.optional cfg.enableOnBoot "multi-user.target";
    };
    systemd.services.docker-prune = lib.mkIf cfg.autoPrune.enable {
      description = "Remove unused Docker data";
      startAt = cfg.autoPrune.dates;
      after = [ "docker.service" ];
      requires = [ "docker.service" ];
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "/usr/bin/docker system prune -f ${lib.concatStringsSep " " cfg.autoPrune.flags}";
      };
    };
  };
}
