# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_impp_relay_global_optspecs
    string join \n c/config= h/help V/version
end

function __fish_impp_relay_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_impp_relay_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_impp_relay_using_subcommand
    set -l cmd (__fish_impp_relay_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c impp-relay -n "__fish_impp_relay_needs_command" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_needs_command" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -s V -l version -d 'Print version'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "demo" -d 'Show everything on loopback, in a temporary folder, with the real tools'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "init" -d 'Make configuration, data folder, key, self-signed certificate and first user'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "serve" -d 'Run the relay'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "check" -d 'Judge configuration, DNS, certificates: status 0 sound, 1 errors, 2 warnings, 3 could not be found out'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "status" -d 'How the running relay does, at a glance'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "health" -d 'Whether the running relay does its work: status 0 it does, 1 it does not'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "sessions" -d 'Who is logged in, and who may come back to a session'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "subscriptions" -d 'Who watches whom, here and in other domains'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "links" -d 'With which domains the running relay talks, and what waits'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "mailbox" -d 'Messages that wait for a user'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "acl" -d 'Any user\'s rules, by the commands of impp-acl'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "reload" -d 'Have everything read again: configuration, certificates, keys, secrets; or nothing, with status 78'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "drain" -d 'Send everybody away little by little, and end the relay'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "log-level" -d 'Tell or change how much is logged, until the next reload'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "kick" -d 'End a user\'s sessions; they may log in again, unless the account is disabled'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "user" -d 'Users: add, change, list, delete; also while the relay runs'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "backup" -d 'Copy all that the relay keeps to DIR, also while it runs'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "verify" -d 'Whether a backup or a data folder is whole, and what is lost: status 0 whole, 1 damaged'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "restore" -d 'Make a backup the relay\'s data again, while no relay runs'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "export" -d 'Write all that the relay keeps as lines of JSON, also while it runs'
complete -c impp-relay -n "__fish_impp_relay_needs_command" -f -a "import" -d 'Fill an empty data folder from such lines, while no relay runs'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand demo" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand demo" -l once -d 'End after the show instead of staying for you to try'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand demo" -l keep-dir -d 'Leave the folder behind'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand demo" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l host -d 'The name of this machine in DNS [default: DOMAIN]' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l admin -d 'The first user' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l dir -d 'Put everything below DIR [default: /etc/impp, /var/lib/impp-relay]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l pass-file -d 'The password is the first line of FILE' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l start -d 'Have systemd start it, now and with the machine'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l pass-stdin -d 'The password is the first line of standard input'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -l generate -d 'Make a password and print it'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand init" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand serve" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand serve" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -f -a "config" -d 'The configuration and the files that it names'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -f -a "dns" -d 'What the DNS says of the domains, as impp-srv judges it'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -f -a "certs" -d 'The certificates that the servers found there show'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -f -a "connect" -d 'Everything: records, addresses, certificates, HELLO'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and not __fish_seen_subcommand_from config dns certs connect peers" -f -a "peers" -d 'The whole way to another domain and back, decision by decision'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from config" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from config" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -l json -d 'One JSON object per domain'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from dns" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -l json -d 'One JSON object per domain'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from certs" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -l json -d 'One JSON object per domain'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from peers" -l from -d 'Go there as this domain of ours only [default: as each of them]' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from peers" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from peers" -l json -d 'One JSON object per domain of ours'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand check; and __fish_seen_subcommand_from peers" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand status" -l watch -d 'Again and again, with graphs of the last minutes' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand status" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand status" -l json -d 'One JSON object'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand status" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand health" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand health" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand health" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand sessions" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand sessions" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand sessions" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand subscriptions" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand subscriptions" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand subscriptions" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand links" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand links" -l json -d 'One JSON object per domain'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand links" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and not __fish_seen_subcommand_from list drop" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and not __fish_seen_subcommand_from list drop" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and not __fish_seen_subcommand_from list drop" -f -a "list" -d 'List what waits for a user, oldest first'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and not __fish_seen_subcommand_from list drop" -f -a "drop" -d 'Delete messages that wait for a user, for good'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from list" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from list" -l json -d 'One JSON object per message'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from drop" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from drop" -l all -d 'All that wait now'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from drop" -l json -d 'One JSON object per message that is gone'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand mailbox; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "show" -d 'Print the rules, the first that matches decides'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "allow" -d 'Let WHO do OP'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "deny" -d 'Refuse OP to WHO'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "conceal" -d 'Refuse OP to WHO without letting them know'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "remove" -d 'Take away what is said about WHO (and OP)'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "default" -d 'Take all rules away: the domain\'s default decides'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "test" -d 'Tell which rule decides; status 0 allowed, 1 not'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "watchers" -d 'Print who subscribes now'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "refused" -d 'Print who was refused lately'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "export" -d 'Write the rules as XML'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "import" -d 'Replace the rules by those of an XML file'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and not __fish_seen_subcommand_from show allow deny conceal remove default test watchers refused export import edit" -a "edit" -d 'Change the rules in $VISUAL or $EDITOR'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from show" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from show" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from allow" -l view -d 'They see the value published with this view' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from allow" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from allow" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from deny" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from deny" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from deny" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from conceal" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from conceal" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from conceal" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from remove" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from remove" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from default" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from default" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from test" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from test" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from watchers" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from watchers" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from watchers" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from refused" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from refused" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from refused" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from export" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from export" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from import" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from import" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from edit" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from edit" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand acl; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand reload" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand reload" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand reload" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -l over -d 'Spread the good-byes over so long, and the returns over as long again [default: 10s]' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -l deadline -d 'End after so long, whoever is still there [default: 10s more]' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -l wait -d 'Wait until the relay has ended'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -l json -d 'One JSON object'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand drain" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand log-level" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand log-level" -l json -d 'One JSON object'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand log-level" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand kick" -l connection -d 'Only the session of this name, as `sessions` shows it' -r
complete -c impp-relay -n "__fish_impp_relay_using_subcommand kick" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand kick" -l json -d 'One JSON object per session that ended'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand kick" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "add" -d 'Add a user'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "passwd" -d 'Give a user a new password'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "list" -d 'List users'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "show" -d 'Show one user'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "disable" -d 'No login and no new messages for the user, until enabled'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "enable" -d 'Undo disable'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "del" -d 'Delete a user and all that is stored for them'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "move" -d 'Tell senders and watchers that the user lives at TARGET now'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and not __fish_seen_subcommand_from add passwd list show disable enable del move alias" -f -a "alias" -d 'Add a name that leads to TARGET, and under which nobody logs in'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -l without -d 'The user has none of that: no presence to be watched, or no messages are taken' -r -f -a "presence\t''
inbox\t''"
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -l pass-file -d 'The password is the first line of FILE' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -l pass-stdin -d 'The password is the first line of standard input'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -l generate -d 'Make a password and print it'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -l pass-file -d 'The password is the first line of FILE' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -l pass-stdin -d 'The password is the first line of standard input'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -l generate -d 'Make a password and print it'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from passwd" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from list" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from list" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from show" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from show" -l json -d 'One JSON object per line'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from disable" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from enable" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from del" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from del" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from move" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from move" -l temporarily -d 'Only for a while: senders keep the old address'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from move" -l back -d 'The user is here again'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from alias" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand user; and __fish_seen_subcommand_from alias" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand backup" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand backup" -l replace -d 'Take the place of an earlier backup, which goes when the new one is whole'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand backup" -l json -d 'One JSON object'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand backup" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand verify" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand verify" -l json -d 'One JSON object per fault, and one for the whole'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand verify" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand restore" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand restore" -l replace -d 'Set a store aside that is there already'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand restore" -l json -d 'One JSON object'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand restore" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand export" -s o -l output -d 'Write to FILE, which only its owner can read [default: standard output]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand export" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand export" -s h -l help -d 'Print help'
complete -c impp-relay -n "__fish_impp_relay_using_subcommand import" -s c -l config -d 'Configuration [default: /etc/impp/impp-relay.toml]' -r -F
complete -c impp-relay -n "__fish_impp_relay_using_subcommand import" -s h -l help -d 'Print help'
