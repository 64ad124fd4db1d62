# Certificate authorities: one file with all that are trusted.
#
# Debian's update-ca-certificates joins the certificates below /usr/share/ca-certificates into
# /etc/ssl/certs/ca-certificates.crt; here a builder does, in bytewise order of the file names.
# Programs that look certificates up one by one under their hash (/etc/ssl/certs/<hash>.0) are rare
# and all of Debian's take the file too.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.security.pki;

  bundle = pkgs.concatFiles {
    name = "ca-certificates.crt";
    # Of a directory, all files below it.
    files = lib.optional cfg.installCACerts "${pkgs.ca-certificates}/usr/share/ca-certificates"
      ++ cfg.certificateFiles
      ++ map (pkgs.writeText "certificate.crt") cfg.certificates;
    suffix = ".crt";
    exclude = map (name: "**/*${name}*") cfg.caCertificateBlacklist;
    separator = "
";
  };
in

{
  options.security.pki = {
    installCACerts = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the authorities of Debian's ca-certificates are trusted.";
    };
    useCompatibleBundle = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility: the bundle always has plain certificates.";
    };
    certificateFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
      example = lib.literalExpression "[ ./company-ca.crt ]";
      description = "Files of further trusted certificates, in PEM.";
    };
    certificates = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Further trusted certificates, in PEM.";
    };
    caCertificateBlacklist = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "WoSign" ];
      description = ''
        Parts of names (as of the files in ca-certificates) of authorities that are not trusted.
      '';
    };
    caBundle = mkOption {
      type = types.path;
      readOnly = true;
      internal = true;
      description = "The file of all trusted certificates.";
    };
  };

  config = {
    security.pki.caBundle = bundle;
    environment.etc = {
      "ssl/certs/ca-certificates.crt".source = bundle;
      # Where other distributions' programs look.
      "ssl/certs/ca-bundle.crt".source = bundle;
      "pki/tls/certs/ca-bundle.crt".source = bundle;
    };
    environment.systemPackages = [ pkgs.openssl ];
    environment.sessionVariables.NIX_SSL_CERT_FILE = lib.mkDefault "/etc/ssl/certs/ca-certificates.crt";
  };
}
