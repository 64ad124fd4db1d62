# WireGuard: networking.wireguard.interfaces by a service of its own for each, and
# networking.wg-quick.interfaces by Debian's wg-quick.
{ config, lib, pkgs, ... }:

let
  inherit (lib) concatMapStrings concatStringsSep mkIf mkOption optional optionalString types;
  cfg = config.networking.wireguard;
  quick = config.networking.wg-quick;

  orNull = type: description: mkOption { type = types.nullOr type; default = null; inherit description; };
  commands = when: mkOption { type = types.lines; default = ""; description = "Shell commands run ${when}."; };
  list = description: mkOption { type = types.listOf types.str; default = [ ]; inherit description; };

  peer.options = {
    name = orNull types.str "Name of the peer, for people.";
    publicKey = mkOption { type = types.singleLineStr; description = "Public key of the peer."; };
    presharedKey = orNull types.str "Key shared with the peer; everybody can read it in the store.";
    presharedKeyFile = orNull types.str "File with the key shared with the peer.";
    allowedIPs = list "Addresses that are the peer's.";
    endpoint = orNull types.str "Address and port of the peer.";
    persistentKeepalive = orNull types.int "Every how many seconds something is sent.";
  };

  common = {
    privateKey = orNull types.str "Private key; everybody can read it in the store.";
    privateKeyFile = orNull types.str "File with the private key, outside the store.";
    generatePrivateKeyFile = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the file with the private key is made if it is not there.";
    };
    listenPort = orNull types.port "Port that it listens on; null for any.";
    mtu = orNull types.int "Greatest size of a packet.";
    peers = mkOption {
      type = types.listOf (types.submodule peer);
      default = [ ];
      description = "The other ends.";
    };
  };

  peerLines = p: "[Peer]\nPublicKey = ${p.publicKey}\n"
    + optionalString (p.presharedKey != null) "PresharedKey = ${p.presharedKey}\n"
    + optionalString (p.allowedIPs != [ ]) "AllowedIPs = ${concatStringsSep ", " p.allowedIPs}\n"
    + optionalString (p.endpoint != null) "Endpoint = ${p.endpoint}\n"
    + optionalString (p.persistentKeepalive != null) "PersistentKeepalive = ${toString p.persistentKeepalive}\n";
  # Keys in files are set afterwards: the configuration in the store must not have them.
  keysFromFiles = name: i:
    optionalString (i.privateKeyFile != null) "wg set ${name} private-key ${lib.escapeShellArg i.privateKeyFile}\n"
    + concatMapStrings (p: optionalString (p.presharedKeyFile != null)
      "wg set ${name} peer ${p.publicKey} preshared-key ${lib.escapeShellArg p.presharedKeyFile}\n") i.peers;
  generateKey = i: optionalString i.generatePrivateKeyFile ''
    if ! [ -e ${i.privateKeyFile} ]; then
      mkdir -p "$(dirname ${i.privateKeyFile})"
      (umask 077; wg genkey > ${i.privateKeyFile})
    fi
  '';
  interfaceLines = i: "[Interface]\n"
    + optionalString (i.privateKey != null) "PrivateKey = ${i.privateKey}\n"
    + optionalString (i.listenPort != null) "ListenPort = ${toString i.listenPort}\n";

  service = name: i: lib.nameValuePair "wireguard-${name}" {
    description = "WireGuard interface ${name}";
    after = [ "network-pre.target" ];
    wants = [ "network.target" ];
    before = [ "network.target" ];
    wantedBy = [ "multi-user.target" ];
    serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
    script = ''
      ${generateKey i}
      ${i.preSetup}
      ip link add dev ${name} type wireguard
      ${optionalString (i.mtu != null) "ip link set ${name} mtu ${toString i.mtu}"}
      wg setconf ${name} ${pkgs.writeText "${name}.conf"
        (interfaceLines i + optionalString (i.fwMark != null) "FwMark = ${i.fwMark}\n" + concatMapStrings peerLines i.peers)}
      ${keysFromFiles name i}
      ${concatMapStrings (ip: "ip address add ${ip} dev ${name}\n") i.ips}
      ip link set up dev ${name}
      ${optionalString i.allowedIPsAsRoutes (concatMapStrings (p: concatMapStrings (address:
        "ip route replace ${address} dev ${name} table ${i.table}\n") p.allowedIPs) i.peers)}
      ${i.postSetup}
    '';
    postStop = ''
      ${i.preShutdown}
      ip link delete dev ${name}
      ${i.postShutdown}
    '';
  };

  quickFile = name: i: interfaceLines i
    + optionalString (i.address != [ ]) "Address = ${concatStringsSep ", " i.address}\n"
    + optionalString (i.dns != [ ]) "DNS = ${concatStringsSep ", " i.dns}\n"
    + optionalString (i.table != null) "Table = ${i.table}\n"
    + optionalString (i.mtu != null) "MTU = ${toString i.mtu}\n"
    + hook name "PreUp" (generateKey i + i.preUp)
    + hook name "PostUp" (keysFromFiles name i + i.postUp)
    + hook name "PreDown" i.preDown
    + hook name "PostDown" i.postDown
    + concatMapStrings peerLines i.peers;
  hook = name: when: text: optionalString (text != "")
    "${when} = ${pkgs.writeShellScript "${name}-${when}" text}\n";

  exclusive = what: name: i: {
    assertion = i.privateKey == null || i.privateKeyFile == null;
    message = "${what}.${name}: only one of privateKey and privateKeyFile can be set.";
  };
  any = cfg.enable || quick.interfaces != { };
in

{
  options.networking.wireguard = {
    enable = mkOption {
      type = types.bool;
      default = cfg.interfaces != { };
      defaultText = lib.literalExpression "config.networking.wireguard.interfaces != { }";
      description = "Whether WireGuard's interfaces and tools are there.";
    };
    interfaces = mkOption {
      default = { };
      description = "WireGuard interfaces, by name.";
      type = types.attrsOf (types.submodule {
        options = common // {
          ips = list "Addresses of the interface." // { example = [ "10.100.0.1/24" ]; };
          fwMark = orNull types.str "Mark of packets it sends.";
          table = mkOption { type = types.str; default = "main"; description = "Table for its routes."; };
          allowedIPsAsRoutes = mkOption { type = types.bool; default = true; description = "Whether peers' addresses become routes."; };
          preSetup = commands "before the interface is made";
          postSetup = commands "when the interface is up";
          preShutdown = commands "before the interface is taken away";
          postShutdown = commands "when the interface is gone";
        };
      });
    };
  };

  options.networking.wg-quick.interfaces = mkOption {
    default = { };
    description = "Interfaces made by {manpage}`wg-quick(8)`, by name.";
    type = types.attrsOf (types.submodule {
      options = common // {
        address = list "Addresses of the interface.";
        dns = list "Name servers used while it is up.";
        autostart = mkOption { type = types.bool; default = true; description = "Whether it is up from the start."; };
        configFile = orNull types.str "File with the whole configuration, outside the store.";
        table = orNull types.str "Table for its routes.";
        preUp = commands "before it is up";
        postUp = commands "when it is up";
        preDown = commands "before it goes down";
        postDown = commands "when it is down";
      };
    });
  };

  config = mkIf any {
    assertions = lib.mapAttrsToList (exclusive "networking.wireguard.interfaces") cfg.interfaces
      ++ lib.mapAttrsToList (exclusive "networking.wg-quick.interfaces") quick.interfaces;

    environment.systemPackages = [ pkgs.wireguard-tools ];
    boot.kernelModules = [ "wireguard" ];

    environment.etc = lib.mapAttrs' (name: i: lib.nameValuePair "wireguard/${name}.conf" (
      if i.configFile != null then { source = i.configFile; mode = "direct-symlink"; }
      else { text = quickFile name i; mode = "0600"; }
    )) quick.interfaces;

    systemd.services = lib.mapAttrs' service cfg.interfaces
      // lib.mapAttrs' (name: _: lib.nameValuePair "wg-quick@${name}" {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
        path = [ pkgs.iproute2 ];
      }) (lib.filterAttrs (_: i: i.autostart) quick.interfaces);
  };
}
