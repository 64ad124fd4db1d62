# What a medium is that people install from: a user without a password who may do everything, a
# login on every console, help on the screen, an SSH server that waits for a key or a password.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkDefault mkImageMediaOverride;
in

{
  imports = [
    ../installer/scan/detected.nix
    ../installer/scan/not-detected.nix
    ./clone-config.nix
  ];

  config = {
    system.nixos.variant_id = mkDefault "installer";

    documentation.enable = mkImageMediaOverride true;
    documentation.nixos.enable = mkImageMediaOverride true;

    users.users.nixos = {
      isNormalUser = true;
      extraGroups = [ "wheel" "networkmanager" "video" ];
      # No password: the console is open, SSH is not.
      initialHashedPassword = "";
    };
    users.users.root.initialHashedPassword = "";
    # The group is there even where NetworkManager is not.
    users.groups.networkmanager.gid = mkDefault 401;

    security.polkit.enable = true;
    security.polkit.extraConfig = ''
      // Whoever is at the console may do everything: the accounts have no passwords anyway.
      polkit.addRule(function(action, subject) {
        if (subject.isInGroup("wheel")) { return polkit.Result.YES; }
      });
    '';
    security.sudo = {
      enable = mkDefault true;
      wheelNeedsPassword = mkImageMediaOverride false;
    };

    services.getty.autologinUser = "nixos";
    services.getty.helpLine = ''
      You are logged in as nixos; sudo asks for no password, and neither nixos nor
      root has one yet. The ssh server lets nobody in without: give an account one
      (passwd, or sudo passwd), or put your public key into the account's
      .ssh/authorized_keys.

      Another keyboard: `sudo loadkeys de`.
      Another time zone: `sudo timedatectl set-timezone Europe/Berlin`.

      Networks with a cable are set up by themselves. For a wireless one, run
      `sudo wpa_passphrase NAME | sudo tee -a /etc/wpa_supplicant.conf` and then
      `sudo systemctl restart wireless-networks`.
    '';

    # For loadkeys: what keyboard there is shows only when the medium is started.
    environment.systemPackages = [ pkgs.kbd pkgs.console-data ];

    services.openssh = {
      enable = mkDefault true;
      settings.PermitRootLogin = mkDefault "yes";
      # New ones at every start: an RSA key would take longer than the rest of it.
      hostKeys = mkDefault [ { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; } ];
    };

    # Wireless by wpa_supplicant, addresses by systemd-networkd.
    networking.wireless.enable = mkDefault (!config.networking.networkmanager.enable);
    networking.wireless.userControlled = mkDefault true;
    networking.wireless.allowAuxiliaryImperativeNetworks = mkDefault true;

    # The store is in memory together with all that is written: be generous with promises of it.
    boot.kernel.sysctl."vm.overcommit_memory" = "1";

    # Crash records of the firmware belong to the installed system: look, do not take.
    environment.etc."systemd/pstore.conf".text = ''
      [PStore]
      Unlink=no
    '';

    networking.firewall.logRefusedConnections = mkDefault false;
    nix.settings.trusted-users = [ "nixos" ];
  };
}
