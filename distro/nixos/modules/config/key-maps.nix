# The key maps of Debian's console-data, for checking a name when a system is evaluated, and names
# that other distributions have for the same layouts.
{
  names = [
    "ANSI-dvorak" "ar" "azerty" "be-latin1" "be2-latin1" "bg" "bg-cp1251" "br-abnt2" "br-latin1"
    "by" "ca-multi" "cf" "croat" "cz-lat2" "cz-lat2-prog" "cz-us-qwerty" "cz-us-qwertz" "de"
    "de-latin1" "de-latin1-nodeadkeys" "dk" "dk-latin1" "dvorak" "dvorak-classic" "dvorak-de"
    "dvorak-fr" "dvorak-fr-bepo" "dvorak-fr-bepo-utf8" "dvorak-l" "dvorak-lisp" "dvorak-r"
    "dvorak-ru" "dvorak-uk" "emacs" "emacs2" "es" "es-cp850" "et" "et-nodeadkeys" "fa" "fi"
    "fi-latin1" "fr" "fr-latin0" "fr-latin1" "fr-latin9" "fr-pc" "fr-x11" "fr_CH" "fr_CH-latin1"
    "gr" "gr-pc" "gr-utf8" "hebrew" "hu" "hu101" "il" "il-heb" "il-phonetic" "is-latin1"
    "is-latin1-us" "it" "it-ibm" "it2" "jp106" "kg" "kk" "la-latin1" "lisp-us" "lk201-us" "lt"
    "lt.l4" "lv-latin4" "lv-latin7" "mk" "nl" "no" "no-latin1" "no-standard" "pc-dvorak-latin1"
    "pc110" "pl" "pl-qwertz" "pl1" "pt-latin1" "pt-old" "ro" "ro-academic" "ro-comma" "ru"
    "ru-cp1251" "ru-ms" "ru-yawerty" "ru1" "ru2" "ru3" "ru4" "ru_win" "se-fi-ir209" "se-fi-lat6"
    "se-ir209" "se-lat6" "se-latin1" "sg" "sg-latin1" "sg-latin1-lk450" "sk-prog" "sk-prog-qwerty"
    "sk-prog-qwertz" "sk-qwerty" "sk-qwertz" "slovene" "sr" "sr-cy" "th-tis" "tr_f-latin5"
    "tr_q-latin5" "tralt" "trf" "trfu" "trq" "trqu" "ua" "ua-utf" "ua-utf-ws" "ua-ws" "uaw"
    "uaw_uni" "uk" "us" "us-intl.iso01" "us-intl.iso15" "us-latin1" "wangbe" "wo"
  ];

  aliases = {
    "ch" = "sg-latin1";
    "cz" = "cz-us-qwertz";
    "cz-qwertz" = "cz-us-qwertz";
    "cz-qwerty" = "cz-us-qwerty";
    "de_CH-latin1" = "sg-latin1";
    "lv" = "lv-latin7";
    "se" = "se-latin1";
    "sr-latin" = "croat";
    "sv-latin1" = "se-latin1";
    "tr" = "trqu";
    "us-acentos" = "us-intl.iso15";
    "us-intl" = "us-intl.iso15";
  };
}
