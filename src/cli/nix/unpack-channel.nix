# The derivation of one channel, from its archive. Its hash is C++ Nix's, so that both agree on the
# store paths of channels.
{ name, channelName, src }:
derivation {
  inherit name channelName src;
  system = "builtin";
  builder = "builtin:unpack-channel";
  preferLocalBuild = true;
}
