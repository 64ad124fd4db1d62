# users.*: defaults, numbers, what the activation script is told, and what is refused.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  toplevel = configuration: (config configuration).system.build.toplevel.drvPath;
  # Records of the specification that are of one account.
  records =
    configuration:
    let
      lines = lib.splitString "\n" (config configuration).system.build.usersSpecification.drvAttrs.text;
      found = builtins.filter (line: builtins.match "user\t.*name=alice.*" line != null) lines;
    in
    if found == [ ] then null else lib.splitString "\t" (builtins.head found);
  alice = more: { users.users.alice = { isNormalUser = true; } // more; };
  pick = names: set: map (name: set.${name}) names;
in
{
  normalUser = {
    expr = pick [ "group" "createHome" "home" "homeMode" "isSystemUser" "autoSubUidGidRange" "uid" ] (config (alice { })).users.users.alice;
    expected = [ "users" true "/home/alice" "700" false true null ];
  };
  rootDefaults = {
    expr = pick [ "uid" "group" "home" "shell" ] (config { }).users.users.root;
    expected = [ 0 "root" "/root" "/bin/bash" ];
  };
  debianNumbers = {
    expr = let c = (config { }).users; in [ c.users.www-data.uid c.users.man.gid or c.groups.man.gid c.groups.shadow.gid c.groups.sudo.gid c.groups.users.gid c.groups.nogroup.gid ];
    expected = [ 33 12 42 27 100 65534 ];
  };
  numbersDiffer = {
    expr = let c = (config { }).users; ids = map (g: g.gid) (lib.attrValues c.groups); in lib.length ids == lib.length (lib.unique ids);
    expected = true;
  };
  record = {
    expr = records (alice { description = "A\tB%"; hashedPassword = "$y$x"; uid = 1234; });
    expected = [
      "user" "autoSub=1" "createHome=1" "description=A%09B%25" "expires=" "group=users" "hashedPassword=$y$x"
      "hashedPasswordFile=" "home=/home/alice" "homeMode=700" "name=alice" "shell=/bin/bash" "subGidRanges="
      "subUidRanges=" "system=0" "uid=1234"
    ];
  };
  emptyPassword = { expr = lib.elem "initialHashedPassword=" (records (alice { initialHashedPassword = ""; })); expected = true; };
  disabledUser = { expr = records (alice { enable = false; }); expected = null; };
  membership = {
    expr = (config (alice { extraGroups = [ "wheel" "video" ]; })).users.groups.wheel.members;
    expected = [ "alice" ];
  };
  immutablePassword = {
    expr = (config { imports = [ (alice { initialPassword = "x"; }) ]; users.mutableUsers = false; }).users.users.alice.password;
    expected = "x";
  };
  oldName = { expr = (config { users.extraUsers.alice.isNormalUser = true; }).users.users.alice.home; expected = "/home/alice"; };
  bothKinds = {
    expr = toplevel (alice { isSystemUser = lib.mkForce true; });
    expectedError = "Exactly one of users.users.alice.isSystemUser and users.users.alice.isNormalUser must be true";
  };
  noGroup = {
    expr = toplevel { users.users.daemon2.isSystemUser = true; };
    expectedError = [ "users.users.daemon2.group is unset" "users.groups.daemon2 = { };" ];
  };
  unknownGroup = {
    expr = toplevel (alice { group = "nowhere"; });
    expectedError = "The group 'nowhere' of users.users.alice is not declared";
  };
  sameNumber = {
    expr = toplevel { users.users = { a = { isNormalUser = true; uid = 1500; }; b = { isNormalUser = true; uid = 1500; }; }; };
    expectedError = "Two users have the same uid (1500: a, b)";
  };
  nobodyCouldLogIn = {
    expr = toplevel { users.mutableUsers = false; };
    expectedError = "nobody could administer this machine";
  };
  somebodyCanLogIn = {
    expr = lib.hasSuffix ".drv" (toplevel { users.mutableUsers = false; users.users.root.hashedPassword = "$y$j9T$abc$def"; });
    expected = true;
  };
  colonInHash = { expr = toplevel (alice { hashedPassword = "a:b"; }); expectedError = "not containing newlines or colons"; };
  longName = { expr = toplevel { users.users."a123456789012345678901234567890123".isNormalUser = true; }; expectedError = "longer than 31 characters"; };
  hashWarning = {
    expr = lib.any (lib.hasInfix "does not look like one") (config (alice { hashedPassword = "secret"; })).warnings;
    expected = true;
  };
  severalPasswords = {
    expr = lib.any (lib.hasInfix "has several password options (hashedPassword, password)") (config (alice { hashedPassword = "$6$a$b"; password = "x"; })).warnings;
    expected = true;
  };
}
