# A module for tests of imports.
{
  x = [ "one" ];
}
