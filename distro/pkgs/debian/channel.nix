# Reading a channel: names, records and sets of the Debian packages for one machine type.
#
# A record is found by the first digits of the SHA-256 of its name, so that taking one package reads
# one small file.  Shards are kept in an attribute set, hence each is read once an evaluation.
{ debian, system }:
let
  inherit (builtins)
    concatMap
    fromJSON
    genList
    hashString
    listToAttrs
    pathExists
    readFile
    substring
    ;

  architectures = {
    x86_64-linux = "amd64";
    aarch64-linux = "arm64";
  };

  architecture =
    architectures.${system}
      or (throw "Debian packages are offered for ${toString (builtins.attrNames architectures)}, not for ${system}");

  folder =
    if pathExists (debian + "/${architecture}") then
      debian + "/${architecture}"
    else if pathExists (debian + "/channel.json") then
      throw "the Debian channel ${toString debian} has no packages for ${architecture}"
    else
      throw "${toString debian} is not a Debian channel: it has no file channel.json";

  digits = [ "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "a" "b" "c" "d" "e" "f" ];
  hexStrings =
    length:
    if length == 0 then [ "" ] else concatMap (prefix: map (digit: prefix + digit) digits) (hexStrings (length - 1));

  readSet =
    name:
    let
      place = folder + "/${name}";
      sets = fromJSON (readFile (place + "/sets.json"));
      inherit (sets) shardDigits;
      shards = listToAttrs (
        map (shard: {
          name = shard;
          value = fromJSON (readFile (place + "/packages/${shard}.json"));
        }) (hexStrings shardDigits)
      );
    in
    {
      # All names, as attributes; their values mean nothing.
      names = fromJSON (readFile (place + "/names.json"));
      record = package: shards.${substring 0 shardDigits (hashString "sha256" package)}.${package};
      # Names that Debian calls essential, and those of each priority.
      inherit sets;
    };
in
{
  inherit architecture system;
  info = fromJSON (readFile (debian + "/channel.json"));
  main = readSet "main";
  backports = readSet "backports";
}
