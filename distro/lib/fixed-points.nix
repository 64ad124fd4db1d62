# Fixed points: sets that refer to their own finished form, and the overlays that change them.
{ ... }:
rec {
  # The value x with x = f x.
  fix =
    f:
    let
      x = f x;
    in
    x;

  # As `fix`, and keeps the function under `__unfix__`.
  fix' =
    f:
    let
      x = f x // {
        __unfix__ = f;
      };
    in
    x;

  # Applies f until the value stays the same.
  converge =
    f: x:
    let
      next = f x;
    in
    if next == x then x else converge f next;

  # Lays an overlay (final: prev: { … }) over a self-referring set.
  extends =
    overlay: f: final:
    let
      prev = f final;
    in
    prev // overlay final prev;

  # Two overlays as one; the second sees what the first made.
  composeExtensions =
    first: second: final: prev:
    let
      made = first final prev;
    in
    made // second final (prev // made);

  # A list of overlays as one, applied from left to right.
  composeManyExtensions =
    overlays: final: prev:
    builtins.foldl' (made: overlay: made // overlay final (prev // made)) { } overlays;

  # Accepts an overlay, a function of the previous set only, or a plain set.
  toExtension =
    f:
    if isCallable f then
      final: prev:
      let
        once = f prev;
      in
      if isCallable once then f final prev else once
    else
      final: prev: f;

  # A self-referring set with an `extend` function that takes an overlay.
  makeExtensible = makeExtensibleWithCustomName "extend";

  makeExtensibleWithCustomName =
    extenderName: f:
    fix' (
      self:
      (f self)
      // {
        ${extenderName} = overlay: makeExtensibleWithCustomName extenderName (extends overlay f);
      }
    );

  isCallable = f: builtins.isFunction f || (f ? __functor);
}
