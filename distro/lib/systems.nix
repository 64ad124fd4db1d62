# Platforms: the two-part system names and what can be told from them.
{ lib }:
let
  inherit (builtins) elemAt filter isString map match;

  cpus = {
    x86_64 = { bits = 64; family = "x86"; linuxArch = "x86"; debian = "amd64"; efi = "x64"; };
    i686 = { bits = 32; family = "x86"; linuxArch = "i386"; debian = "i386"; efi = "ia32"; };
    aarch64 = { bits = 64; family = "arm"; linuxArch = "arm64"; debian = "arm64"; efi = "aa64"; };
    armv7l = { bits = 32; family = "arm"; linuxArch = "arm"; debian = "armhf"; efi = "arm"; };
    armv6l = { bits = 32; family = "arm"; linuxArch = "arm"; debian = "armel"; efi = "arm"; };
    riscv64 = { bits = 64; family = "riscv"; linuxArch = "riscv"; debian = "riscv64"; efi = "riscv64"; };
    powerpc64le = { bits = 64; family = "power"; linuxArch = "powerpc"; debian = "ppc64el"; efi = null; };
    s390x = { bits = 64; family = "s390"; linuxArch = "s390"; debian = "s390x"; efi = null; };
    loongarch64 = { bits = 64; family = "loongarch"; linuxArch = "loongarch"; debian = "loong64"; efi = "loongarch64"; };
  };

  linux = map (cpu: "${cpu}-linux") (builtins.attrNames cpus);
  darwin = [
    "x86_64-darwin"
    "aarch64-darwin"
  ];
  all = linux ++ darwin;
  withPrefix = prefix: filter (s: match "${prefix}.*" s != null) all;

  elaborate =
    given:
    let
      system = if isString given then given else given.system or given.config;
      parts = builtins.split "-" system;
      cpuName = elemAt parts 0;
      kernelName = elemAt parts 2;
      cpu = cpus.${cpuName} or (throw "systems.elaborate: the processor `${cpuName}' of `${system}' is not known");
      isLinux = kernelName == "linux";
      isDarwin = kernelName == "darwin";
      self = {
        inherit system;
        config =
          if isLinux then
            "${cpuName}-unknown-linux-gnu"
          else
            "${cpuName}-apple-darwin";
        parsed = {
          cpu = {
            name = cpuName;
            inherit (cpu) bits family;
          };
          kernel.name = kernelName;
          abi.name = if isLinux then "gnu" else "unknown";
        };
        inherit isLinux isDarwin;
        inherit (cpu) linuxArch efi;
        efiArch = cpu.efi;
        debianArch = cpu.debian;
        isx86_64 = cpuName == "x86_64";
        isx86_32 = cpuName == "i686";
        isi686 = cpuName == "i686";
        isx86 = cpu.family == "x86";
        isAarch64 = cpuName == "aarch64";
        isAarch = cpu.family == "arm";
        isAarch32 = cpu.family == "arm" && cpu.bits == 32;
        isArmv7 = cpuName == "armv7l";
        isRiscV = cpu.family == "riscv";
        isRiscV64 = cpuName == "riscv64";
        isPower = cpu.family == "power";
        isPower64 = cpuName == "powerpc64le";
        isS390x = cpuName == "s390x";
        isLoongArch64 = cpuName == "loongarch64";
        is64bit = cpu.bits == 64;
        is32bit = cpu.bits == 32;
        isLittleEndian = cpuName != "s390x";
        isBigEndian = cpuName == "s390x";
        isGnu = isLinux;
        isMusl = false;
        isUnix = true;
        isEfi = cpu.efi != null;
        isStatic = false;
        canExecute = other: other.system == system || (cpuName == "x86_64" && other.system == "i686-linux");
        emulatorAvailable = _: false;
        uname = {
          system = if isLinux then "Linux" else "Darwin";
          processor = cpuName;
        };
      };
    in
    if isString given then self else self // given;
in
{
  inherit elaborate;
  equals = a: b: a.system == b.system && a.config == b.config;
  flakeExposed = all;
  systemToAttrs = system: { inherit system; };
  parse = {
    mkSystemFromString = system: (elaborate system).parsed;
    doubleFromSystem = parsed: "${parsed.cpu.name}-${parsed.kernel.name}";
  };
  doubles = {
    inherit all linux darwin;
    unix = all;
    x86 = withPrefix "(x86_64|i686)-";
    x86_64 = withPrefix "x86_64-";
    i686 = withPrefix "i686-";
    aarch64 = withPrefix "aarch64-";
    arm = withPrefix "armv";
    aarch = withPrefix "(aarch64|armv)";
    riscv = withPrefix "riscv";
    riscv64 = withPrefix "riscv64-";
    power = withPrefix "powerpc";
    none = [ ];
    gnu = linux;
  };
  examples = {
    gnu64 = { config = "x86_64-unknown-linux-gnu"; system = "x86_64-linux"; };
    gnu32 = { config = "i686-unknown-linux-gnu"; system = "i686-linux"; };
    aarch64-multiplatform = { config = "aarch64-unknown-linux-gnu"; system = "aarch64-linux"; };
    riscv64 = { config = "riscv64-unknown-linux-gnu"; system = "riscv64-linux"; };
  };
}
