# Booleans and numbers.
{ lib, base }:
let
  inherit (builtins) any isBool isFloat isInt toString;
  inherit (base) mkOptionType;
  inherit (lib.options) mergeEqualOption;

  scalar =
    attrs:
    mkOptionType (
      {
        descriptionClass = "noun";
        merge = mergeEqualOption;
        passesOneThrough = true;
      }
      // attrs
    );

  int = scalar {
    name = "int";
    description = "signed integer";
    check = isInt;
  };
  float = scalar {
    name = "float";
    description = "floating point number";
    check = isFloat;
  };
  number = scalar {
    name = "number";
    description = "signed integer or floating point number";
    descriptionClass = "conjunction";
    check = x: isInt x || isFloat x;
  };

  # A narrower type under a name of its own: declarations merge only with their like.
  narrow =
    type: name: description: check:
    scalar {
      inherit name description;
      descriptionClass = "nonRestrictiveClause";
      check = x: type.check x && check x;
      functor = base.defaultFunctor name // {
        type = narrow type name description check;
      };
    };

  between =
    type: noun: low: high:
    if low > high then
      throw "a type `between ${toString low} and ${toString high}' holds nothing"
    else
      narrow type "${type.name}Between" "${noun} between ${toString low} and ${toString high} (both inclusive)" (
        x: x >= low && x <= high
      )
      // {
        functor = base.defaultFunctor "${type.name}Between" // {
          type = payload: between type noun payload.low payload.high;
          payload = {
            inherit low high;
          };
          binOp = a: b: if a == b then a else null;
        };
      };

  sized =
    name: bits: sign: low: high:
    narrow int name "${toString bits} bit ${sign} integer; between ${toString low} and ${toString high} (both inclusive)" (
      x: x >= low && x <= high
    )
    // {
      descriptionClass = "noun";
    };
in
{
  inherit int float number;

  bool = scalar {
    name = "bool";
    description = "boolean";
    check = isBool;
  };

  # True as soon as one definition is.
  boolByOr = scalar {
    name = "boolByOr";
    description = "boolean (merged using or)";
    check = isBool;
    merge = _: defs: any (d: d.value) defs;
  };

  ints = {
    between = between int "integer";
    unsigned = narrow int "unsignedInt" "unsigned integer, meaning >=0" (x: x >= 0);
    positive = narrow int "positiveInt" "positive integer, meaning >0" (x: x > 0);
    u8 = sized "unsignedInt8" 8 "unsigned" 0 255;
    u16 = sized "unsignedInt16" 16 "unsigned" 0 65535;
    u32 = sized "unsignedInt32" 32 "unsigned" 0 4294967295;
    s8 = sized "signedInt8" 8 "signed" (-128) 127;
    s16 = sized "signedInt16" 16 "signed" (-32768) 32767;
    s32 = sized "signedInt32" 32 "signed" (-2147483648) 2147483647;
  };

  port = sized "unsignedInt16" 16 "unsigned" 0 65535;

  numbers = {
    between = between number "integer or floating point number";
    nonnegative =
      narrow number "numberNonnegative" "nonnegative integer or floating point number, meaning >=0"
        (x: x >= 0);
    positive =
      narrow number "numberPositive" "positive integer or floating point number, meaning >0"
        (x: x > 0);
  };
}
