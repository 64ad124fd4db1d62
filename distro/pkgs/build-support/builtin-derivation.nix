# A derivation that one of Firn's builtin builders makes.
#
# All attributes reach the builder as JSON, but for those that only evaluation uses: `meta`,
# `passthru`, `pname` and `version`.  The result has what users expect of a package.
let
  onlyEvaluation = [ "meta" "passthru" "pname" "version" ];

  make =
    arguments:
    let
      built = derivation (
        {
          system = "builtin";
          __structuredAttrs = true;
        }
        // removeAttrs arguments onlyEvaluation
      );
      package =
        arguments
        // (arguments.passthru or { })
        // {
          type = "derivation";
          inherit (built) drvPath outPath outputName system;
          inherit (built) drvAttrs;
          outputs = [ "out" ];
          out = package;
          all = [ package ];
          meta = {
            available = true;
            name = arguments.name;
            outputsToInstall = [ "out" ];
          }
          // (arguments.meta or { });
          overrideAttrs =
            change:
            make (arguments // (if builtins.isFunction change then change arguments else change));
        };
    in
    package;
in
make
