# The builder that tells what other builders find: it does what a build does first, and instead of
# building writes its variables and functions as JSON to its first output.
#
# Variables are `exported` or `var` with their text, `array` or `associative` with theirs; what bash
# itself keeps about this one run is left out. Functions are the texts of their bodies. C++ Nix writes
# and reads the same form, so a profile that one has made serves the other. It uses only what every
# bash has: that of a derivation may be a small one.

set -e
if [[ -e "$NIX_ATTRS_SH_FILE" ]]; then
    . "$NIX_ATTRS_SH_FILE"
    # Hooks and phases know outputs as variables.
    for __firn_name in "${!outputs[@]}"; do export "$__firn_name=${outputs[$__firn_name]}"; done
fi
export IN_NIX_SHELL=impure dontAddDisableDepTrack=1
if [[ -n "$stdenv" ]]; then . "$stdenv/setup"; fi

# Taken before anything of our own is defined.
__firn_variables="$(declare -p)"
__firn_functions="$(declare -F)"

# Writes its argument as a JSON string.
__firn_text() {
    local __firn_s="$1" __firn_c __firn_code
    __firn_s="${__firn_s//\\/\\\\}"
    __firn_s="${__firn_s//\"/\\\"}"
    if [[ "$__firn_s" == *[[:cntrl:]]* ]]; then
        for ((__firn_code = 1; __firn_code < 32; __firn_code++)); do
            printf -v __firn_c '\\x%02x' "$__firn_code"
            printf -v __firn_c "$__firn_c"
            [[ "$__firn_s" == *"$__firn_c"* ]] || continue
            printf -v __firn_escape '\\u%04x' "$__firn_code"
            __firn_s="${__firn_s//"$__firn_c"/"$__firn_escape"}"
        done
    fi
    printf '"%s"' "$__firn_s"
}

# Writes a member of an object: its name, and what the other arguments print.
__firn_member() {
    printf '%s    ' "$__firn_separator"
    __firn_separator=$',\n'
    __firn_text "$1"
    printf ': '
}

__firn_write_functions() {
    local __firn_line __firn_body __firn_separator=
    while read -r __firn_line; do
        [[ "$__firn_line" == 'declare -f '* ]] || continue
        __firn_line="${__firn_line#declare -f }"
        __firn_body="$(declare -f "$__firn_line")"
        __firn_body="${__firn_body#*\{}"
        __firn_member "$__firn_line"
        __firn_text "${__firn_body%\}*}"
    done <<< "$__firn_functions"
}

__firn_write_variables() {
    local __firn_line __firn_separator=
    local __firn_form='^declare (-[-aAilrtux]+) ([a-zA-Z_][a-zA-Z_0-9]*)(=|$)'
    while read -r __firn_line; do
        [[ "$__firn_line" =~ $__firn_form ]] || continue
        __firn_write_variable "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
    done <<< "$__firn_variables"
}

__firn_write_variable() {
    case "$1" in
        BASH_* | COMP_* | _ | __firn_* | DIRSTACK | EUID | FUNCNAME | GROUPS | HISTCMD | HOSTNAME | PIPESTATUS) return 0 ;;
        PWD | RANDOM | SHLVL | SECONDS | EPOCHREALTIME | EPOCHSECONDS) return 0 ;;
    esac
    # A line of some text may look as if it declared something.
    declare -p "$1" > /dev/null 2>&1 || return 0
    case "$2" in
        -r) __firn_member "$1"; printf '{"type": "unknown"}' ;;
        *r*) ;;
        *A*) __firn_member "$1"; __firn_write_associative "$1" ;;
        *a*) __firn_member "$1"; __firn_write_array "$1" ;;
        *x*) __firn_member "$1"; printf '{"type": "exported", "value": '; __firn_text "${!1}"; printf '}' ;;
        *) __firn_member "$1"; printf '{"type": "var", "value": '; __firn_text "${!1}"; printf '}' ;;
    esac
}

__firn_write_array() {
    local __firn_all="$1[@]" __firn_item __firn_comma=
    printf '{"type": "array", "value": ['
    for __firn_item in "${!__firn_all}"; do
        printf '%s' "$__firn_comma"
        __firn_comma=', '
        __firn_text "$__firn_item"
    done
    printf ']}'
}

__firn_write_associative() {
    local -n __firn_map="$1"
    local __firn_key __firn_comma=
    printf '{"type": "associative", "value": {'
    for __firn_key in "${!__firn_map[@]}"; do
        printf '%s' "$__firn_comma"
        __firn_comma=', '
        __firn_text "$__firn_key"
        printf ': '
        __firn_text "${__firn_map[$__firn_key]}"
    done
    printf '}}'
}

__firn_report() {
    printf '{\n  "bashFunctions": {\n'
    __firn_write_functions
    printf '\n  },\n  "variables": {\n'
    __firn_write_variables
    printf '\n  }'
    if [[ -e "$NIX_ATTRS_SH_FILE" ]]; then
        printf ',\n  "structuredAttrs": {\n    ".attrs.sh": '
        __firn_text "$(< "$NIX_ATTRS_SH_FILE")"
        printf ',\n    ".attrs.json": '
        __firn_text "$(< "$NIX_ATTRS_JSON_FILE")"
        printf '\n  }'
    fi
    printf '\n}\n'
}

# The report goes to the first output; the others must be there.
__firn_places=()
if [[ -e "$NIX_ATTRS_SH_FILE" ]]; then
    __firn_places=("${outputs[@]}")
else
    for __firn_name in $outputs; do __firn_places+=("${!__firn_name}"); done
fi
__firn_report > "${__firn_places[0]}"
for __firn_place in "${__firn_places[@]:1}"; do : > "$__firn_place"; done
