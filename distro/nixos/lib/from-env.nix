# The path that an environment variable names, else the given one.
variable: fallback:
let
  value = builtins.getEnv variable;
in
if value == "" then fallback else value
