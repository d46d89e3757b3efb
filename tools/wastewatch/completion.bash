# SPDX-License-Identifier: Apache-2.0
# Completion of wastewatch(1) for bash. Names come from the program itself, so they are those of
# the configuration and the record at hand; where it cannot answer, nothing is offered.

_wastewatch_words() { # COMMAND...: the names in its --json
	wastewatch "$@" 2>/dev/null | grep -o '"\(id\|limit\|channel\|site\|scenario\|report\|destination\)":"[^"]*"' |
		cut -d '"' -f 4 | grep -x '[][A-Za-z0-9._:/=-]*' # compgen -W expands: nothing that it could
}

_wastewatch_options() { # COMMAND: its options and those of every command
	{
		[[ $1 == '' ]] || wastewatch "$1" --help --lang en 2>/dev/null
		wastewatch --help --lang en 2>/dev/null
	} | sed -n 's/^  \(--[a-z][a-z-]*\).*/\1/p' | sort -u
}

_wastewatch() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $previous in
	--config | --state | --runtime | --credentials | --files)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	--actions | --output | -o | --key)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--lang) mapfile -t COMPREPLY < <(compgen -W "en vi" -- "$current"); return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W "jsonl csv" -- "$current"); return ;;
	--date | --for | --until | --since | --from | --to | --reason | --cause | --measures | --bus | --timeout | --drill)
		return # what only a person knows
		;;
	--window) mapfile -t COMPREPLY < <(compgen -W "1min 5min 1h 24h" -- "$current"); return ;;
	--table)
		mapfile -t COMPREPLY < <(compgen -W "holding input coil discrete" -- "$current")
		return
		;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_options "$command")" -- "$current")
		return
	fi
	case $command in
	'')
		mapfile -t COMPREPLY < <(compgen -W "$(wastewatch --help 2>/dev/null |
			sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')" -- "$current")
		;;
	ack) mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words alarms --json) \
		$(_wastewatch_words incidents --open --json)" -- "$current") ;;
	reset | shelve | unshelve | out-of-service | return)
		mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words alarms --json)" -- "$current")
		;;
	channels) mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words channels --json)" -- "$current") ;;
	record) mapfile -t COMPREPLY < <(compgen -W "seen" -- "$current") ;;
	limits) mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words limits --json |
		cut -d / -f 1,2 | sort -u)" -- "$current") ;;
	show | close)
		mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words incidents --json)" -- "$current")
		;;
	means) mapfile -t COMPREPLY < <(compgen -W "$(_wastewatch_words means --json)" -- "$current") ;;
	drill) mapfile -t COMPREPLY < <(compgen -W "start stop list scenarios" -- "$current") ;;
	outbox)
		if [[ $previous == outbox ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"list show retry hold release abandon resume" -- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_wastewatch_words outbox list --json | sort -u)" -- "$current")
		fi
		;;
	assess) mapfile -t COMPREPLY < <(compgen -W "plume river boundary" -- "$current") ;;
	replay | verify | backup) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
	esac
}

complete -o filenames -F _wastewatch wastewatch
