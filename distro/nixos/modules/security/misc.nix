# Protections of the kernel that are single switches.
{ config, lib, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.security;
in

{
  options.security = {
    allowUserNamespaces = mkOption {
      type = types.bool;
      default = true;
      description = "Whether user namespaces can be made.";
    };
    unprivilegedUsernsClone = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether ordinary users may make user namespaces even on a hardened kernel. Debian's kernel
        allows it anyway.
      '';
    };
    protectKernelImage = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the running kernel can no longer be replaced (kexec, hibernation).";
    };
    allowSimultaneousMultithreading = mkOption {
      type = types.bool;
      default = true;
      description = "Whether several threads share a processor core.";
    };
    forcePageTableIsolation = mkOption {
      type = types.bool;
      default = false;
      description = "Whether page table isolation is used even on processors that need none.";
    };
    virtualisation.flushL1DataCache = mkOption {
      type = types.nullOr (types.enum [ "never" "cond" "always" ]);
      default = null;
      description = ''
        When the first cache is flushed before a guest is entered; null leaves it to the kernel.
      '';
    };
    lockKernelModules = mkOption {
      type = types.bool;
      default = false;
      description = "Whether no kernel module can be loaded once the system is up.";
    };
  };

  config = {
    boot.kernel.sysctl = lib.mkMerge [
      (mkIf (!cfg.allowUserNamespaces) { "user.max_user_namespaces" = 0; })
      (mkIf cfg.unprivilegedUsernsClone { "kernel.unprivileged_userns_clone" = lib.mkDefault true; })
      (mkIf cfg.protectKernelImage { "kernel.kexec_load_disabled" = lib.mkDefault true; })
    ];
    boot.kernelParams =
      lib.optional cfg.protectKernelImage "nohibernate"
      ++ lib.optional (!cfg.allowSimultaneousMultithreading) "nosmt"
      ++ lib.optional cfg.forcePageTableIsolation "pti=on"
      ++ lib.optional (cfg.virtualisation.flushL1DataCache != null)
        "kvm-intel.vmentry_l1d_flush=${cfg.virtualisation.flushL1DataCache}";
    systemd.services.disable-kernel-module-loading = mkIf cfg.lockKernelModules {
      description = "Disable kernel module loading";
      wantedBy = [ "multi-user.target" ];
      after = [
        "firewall.service" "systemd-modules-load.service" config.systemd.defaultUnit or
        "multi-user.target"
      ];
      unitConfig.ConditionPathIsReadWrite = "/proc/sys/kernel";
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/bin/sh -c 'echo 1 > /proc/sys/kernel/modules_disabled'";
      };
    };
  };
}
