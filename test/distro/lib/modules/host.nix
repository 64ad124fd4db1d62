# A host for tests of messages.
{
  services.web.port = 8080;
}
