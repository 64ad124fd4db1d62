# What functions that download have in common.
{ lib }:
let
  inherit (builtins) attrNames filter head length removeAttrs;
  algorithms = [
    "sha1" "sha256" "sha512"
  ];
in
rec {
  # Hashes to put where the true one is not known yet: the build then tells it.
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fakeSha256 = lib.strings.replicate 64 "0";
  fakeSha512 = lib.strings.replicate 128 "0";

  # Environment variables that a download may see.
  proxyImpureEnvVars = [
    "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" "HTTP_PROXY" "HTTPS_PROXY"
    "FTP_PROXY" "ALL_PROXY" "NO_PROXY"
  ];

  # `sha256 = …` and its kin rewritten as `outputHash` and `outputHashAlgo`, `hash` likewise.
  normalizeHash =
    {
      hashTypes ? [ "sha256" ],
      required ? true,
    }:
    args:
    let
      given = filter (name: args ? ${name}) ([ "hash" "outputHash" ] ++ hashTypes);
      name = head given;
    in
    if given == [ ] then
      if required then throw "fetcher called without `hash'" else args
    else if length given > 1 then
      throw "fetcher called with several hashes: ${builtins.concatStringsSep ", " given}"
    else
      removeAttrs args ([ "hash" "outputHash" "outputHashAlgo" ] ++ algorithms)
      // {
        outputHash = args.${name};
        outputHashAlgo =
          if name == "hash" then
            null
          else if name == "outputHash" then
            args.outputHashAlgo or null
          else
            name;
      };

  withNormalizedHash =
    options: fetcher:
    lib.trivial.setFunctionArgs (args: fetcher (normalizeHash options args)) (
      lib.trivial.functionArgs fetcher
      // {
        hash = true;
        sha256 = true;
      }
    );
}
