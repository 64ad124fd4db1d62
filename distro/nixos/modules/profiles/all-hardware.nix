# A system that starts on as many machines as possible.
{ hardware.enableAllHardware = true; }
