# Downloads with a known hash.  `mirror://debian/PATH` means the Debian mirror in force.
{ builtinDerivation }:
let
  inherit (builtins) baseNameOf head match elemAt;

  # The hash arguments of nixpkgs' fetchers, as those of a derivation.
  hashArguments =
    arguments:
    if arguments ? hash && arguments.hash != "" then
      {
        outputHash = arguments.hash;
        # An SRI hash says its algorithm itself.
        outputHashAlgo = null;
      }
    else if arguments ? sha256 then
      {
        outputHash = arguments.sha256;
        outputHashAlgo = "sha256";
      }
    else if arguments ? sha512 then
      {
        outputHash = arguments.sha512;
        outputHashAlgo = "sha512";
      }
    else if arguments ? sha1 then
      {
        outputHash = arguments.sha1;
        outputHashAlgo = "sha1";
      }
    else
      throw "fetchurl needs the hash of ${toString (arguments.url or (head arguments.urls))}: give hash or sha256";

  withoutNull = attrs: removeAttrs attrs (builtins.filter (name: attrs.${name} == null) (builtins.attrNames attrs));

  storeName = url: builtins.replaceStrings [ "~" ":" "%" ] [ "_" "_" "_" ] (baseNameOf url);
in
{
  # One file.  `urls` are tried in order.
  fetchurl =
    arguments:
    let
      urls = arguments.urls or [ arguments.url ];
      executable = arguments.executable or false;
    in
    derivation (
      {
        name = arguments.name or (storeName (head urls));
        system = "builtin";
        builder = "builtin:fetchurl";
        url = head urls;
        inherit urls executable;
        outputHashMode = if executable then "recursive" else "flat";
      }
      // withoutNull (hashArguments arguments)
    )
    // {
      inherit urls;
      meta = arguments.meta or { };
    };
}
