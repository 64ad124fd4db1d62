# git.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.programs.git;

  # git's own notation: [section "sub"] key = value; a list repeats the key.
  valueText = value:
    if builtins.isBool value then (if value then "true" else "false")
    else if builtins.isInt value then toString value
    else ''"${lib.replaceStrings [ "\\" ''"'' "\n" ] [ "\\\\" ''\"'' "\\n" ] value}"'';
  sectionText = header: values:
    let
      isSection = value: builtins.isAttrs value;
      plain = lib.filterAttrs (_: value: !(isSection value)) values;
      nested = lib.filterAttrs (_: isSection) values;
    in
    lib.optionalString (plain != { }) ("[${header}]\n" + lib.concatStrings (lib.mapAttrsToList
      (key: value: lib.concatMapStrings (one: "\t${key} = ${valueText one}\n") (lib.toList value)) plain))
    + lib.concatStrings (lib.mapAttrsToList
      (name: value: sectionText ''${header} "${lib.replaceStrings [ "\\" ''"'' ] [ "\\\\" ''\"'' ] name}"'' value) nested);
  configText = sections: lib.concatStrings (lib.mapAttrsToList sectionText sections);
in

{
  options.programs.git = {
    enable = lib.mkEnableOption "git, a version control system";
    package = lib.mkPackageOption pkgs "git" { };
    config = mkOption {
      type =
        let
          sections = types.attrsOf (types.attrsOf types.anything);
        in
        types.coercedTo sections (value: [ value ]) (types.listOf sections);
      default = [ ];
      example = { init.defaultBranch = "main"; url."https://github.com/".insteadOf = [ "gh:" ]; };
      description = "The system-wide gitconfig: one set of sections, or several in order.";
    };
    prompt.enable = lib.mkEnableOption "the function `__git_ps1` in shells";
    lfs.enable = lib.mkEnableOption "large file storage";
    lfs.package = lib.mkPackageOption pkgs "git-lfs" { };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.enable {
      environment.systemPackages = [ cfg.package ];
      environment.etc.gitconfig = lib.mkIf (cfg.config != [ ]) { text = lib.concatMapStrings configText cfg.config; };
    })
    (lib.mkIf (cfg.enable && cfg.lfs.enable) {
      environment.systemPackages = [ cfg.lfs.package ];
      programs.git.config.filter.lfs = {
        clean = "git-lfs clean -- %f";
        smudge = "git-lfs smudge -- %f";
        process = "git-lfs filter-process";
        required = true;
      };
    })
    (lib.mkIf (cfg.enable && cfg.prompt.enable) {
      environment.interactiveShellInit = ''
        if [ -r /usr/lib/git-core/git-sh-prompt ]; then . /usr/lib/git-core/git-sh-prompt; fi
      '';
    })
  ];
}
