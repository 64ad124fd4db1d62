# Programs built for other loaders.
{ lib, ... }:

{
  options.environment = {
    stub-ld.enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Accepted for compatibility: the usual loader is in place here.";
    };
    ldso = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      description = "Accepted for compatibility: Debian's loader is at its usual path.";
    };
    memoryAllocator.provider = lib.mkOption {
      type = lib.types.enum [ "libc" ];
      default = "libc";
      description = "The memory allocator of all programs.";
    };
  };
}
