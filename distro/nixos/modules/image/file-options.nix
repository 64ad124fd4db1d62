# What the file of an image is called: shared by all kinds of images.
{ config, lib, pkgs, ... }:

let
  inherit (lib) literalExpression mkOption types;
in
{
  options.image = {
    baseName = mkOption {
      type = types.str;
      default =
        "${config.system.nixos.distroId}-image-${config.system.nixos.label}-${pkgs.stdenv.hostPlatform.system}";
      defaultText = literalExpression
        ''"''${distroId}-image-''${config.system.nixos.label}-''${pkgs.stdenv.hostPlatform.system}"'';
      description = "Name of the image's file without its extension.";
    };

    extension = mkOption {
      type = types.str;
      example = "raw";
      description = "Extension of the image's file, without the dot.";
    };

    fileName = mkOption {
      type = types.str;
      default = "${config.image.baseName}.${config.image.extension}";
      defaultText = literalExpression "\${config.image.baseName}.\${config.image.extension}";
      description = "Name of the image's file.";
    };

    filePath = mkOption {
      type = types.str;
      default = config.image.fileName;
      defaultText = literalExpression "config.image.fileName";
      description = "Where the image's file is, relative to the result of the build.";
    };
  };
}
