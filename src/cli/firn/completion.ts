/**
 * `firn completion`: the code by which a shell completes command lines of `nix` and of `firn nix`.
 *
 * It asks the program itself, by C++ Nix's protocol (`NIX_GET_COMPLETIONS`), so that it works with
 * either and never has to be brought up to date.
 */

import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';

const help = `usage: firn completion (bash | zsh | fish)

Prints code that lets a shell complete command lines of nix. To have it in every shell:

  bash   firn completion bash > ~/.local/share/bash-completion/completions/nix
  zsh    firn completion zsh > DIRECTORY/_nix, a directory of your $fpath
  fish   firn completion fish > ~/.config/fish/completions/nix.fish
`;

const bash = String.raw`# Completion of nix for bash.
_firn_complete_nix() {
  local kind= word cword=$COMP_CWORD cur=$2
  local -a words=("\${COMP_WORDS[@]}")
  # Without this, bash takes colons and the like for ends of words.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref -n ':=&' -w words -i cword -c cur
  fi
  if [ "\${words[0]##*/}" = firn ]; then
    [ "\${words[1]}" = nix ] && [ "$cword" -gt 1 ] || return 0
    cword=$((cword - 1))
  fi
  while IFS=$'\t' read -r word _; do
    if [ -z "$kind" ]; then
      kind=$word
      case $kind in
        filenames) compopt -o filenames 2> /dev/null ;;
        attrs) compopt -o nospace 2> /dev/null ;;
      esac
    else
      COMPREPLY+=("$word")
    fi
  done < <(NIX_GET_COMPLETIONS=$cword "\${words[@]}" 2> /dev/null)
  if declare -F __ltrim_colon_completions > /dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -F _firn_complete_nix nix firn
`;

const zsh = String.raw`#compdef nix
# Completion of nix for zsh.
_nix() {
  local -a lines found described
  lines=("\${(@f)$(NIX_GET_COMPLETIONS=$((CURRENT - 1)) $words 2> /dev/null)}")
  local line suffix=' '
  [[ $lines[1] == attrs* ]] && suffix=
  for line in "\${(@)lines[2,-1]}"; do
    [[ -n $line ]] || continue
    found+=("\${line%%$'\t'*}")
    described+=("\${line%%$'\t'*} \${line#*$'\t'}")
  done
  if [[ $lines[1] == filenames* ]]; then compadd -f -- $found
  else compadd -S "$suffix" -d described -- $found
  fi
}
_nix "$@"
`;

const fish = String.raw`# Completion of nix for fish.
function __firn_complete_nix
  set -l words (commandline --current-process --tokenize --cut-at-cursor)
  set -l begun (commandline --current-token --cut-at-cursor)
  env NIX_GET_COMPLETIONS=(count $words) $words "$begun" 2> /dev/null | tail -n +2
end
complete --command nix --no-files --arguments '(__firn_complete_nix)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export async function run([shell, ...others]: readonly string[], context: CommandContext): Promise<number> {
  if (shell === undefined || shell === '--help' || shell === '-h') {
    context.stdout.write(help);
    return shell === undefined ? 1 : 0;
  }
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined || others.length > 0) throw usageError(`'${shell}' is not a shell that there is completion for`, 'firn completion');
  context.stdout.write(script.replaceAll('\\${', '${'));
  return 0;
}
