# Where the files of a package come from, for its metadata.
{ lib }:
let
  made =
    isSource: name:
    {
      shortName = name;
      inherit isSource;
    };
in
{
  fromSource = made true "fromSource";
  binaryNativeCode = made false "binaryNativeCode";
  binaryBytecode = made false "binaryBytecode";
  binaryFirmware = made false "binaryFirmware";
}
