# Network addresses.
{ lib }:
let
  inherit (builtins) concatStringsSep elemAt filter genList head length map match;

  groups =
    text:
    let
      halves = builtins.filter builtins.isString (builtins.split "::" text);
      list = half: if half == "" then [ ] else lib.strings.splitString ":" half;
      left = list (head halves);
      right = if length halves == 2 then list (elemAt halves 1) else [ ];
      missing = 8 - length left - length right;
    in
    if length halves == 2 && missing >= 1 then
      left ++ genList (_: "0") missing ++ right
    else if length halves == 1 && missing == 0 then
      left
    else
      null;
in
{
  ipv6 = {
    # "2001:db8::1/32" as { address, prefixLength, … }.
    fromString =
      text:
      let
        parts = lib.strings.splitString "/" text;
        found = groups (head parts);
        prefixLength = if length parts == 2 then lib.strings.toInt (elemAt parts 1) else 128;
        fits = g: match "[0-9a-fA-F]{1,4}" g != null;
      in
      if found == null || !builtins.all fits found || prefixLength < 0 || prefixLength > 128 then
        throw "network.ipv6.fromString: `${text}' is not an IPv6 address"
      else
        {
          address = concatStringsSep ":" (
            map (g: lib.strings.toLower (lib.trivial.toHexString (lib.trivial.fromHexString g))) found
          );
          inherit prefixLength;
        };
    mkEUI64Suffix =
      mac:
      let
        octets = map lib.trivial.fromHexString (lib.strings.splitString ":" mac);
        flipped = builtins.bitXor (head octets) 2;
        pair =
          a: b:
          lib.strings.toLower (lib.trivial.toHexString (a * 256 + b));
        at = elemAt octets;
      in
      if length octets != 6 then
        throw "network.ipv6.mkEUI64Suffix: `${mac}' is not a MAC address"
      else
        concatStringsSep ":" [
          (pair flipped (at 1))
          (pair (at 2) 255)
          (pair 254 (at 3))
          (pair (at 4) (at 5))
        ];
  };
}
