# Something a host is combined with, for tests of messages.
{ lib, ... }:
{
  services.web.port = 9090;
}
