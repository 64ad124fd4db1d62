# Hardware that a scan of the machine found: on media for unknown machines, nothing.
{ }
