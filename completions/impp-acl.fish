# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_impp_acl_global_optspecs
    string join \n a/account= c/config= login= anonymous pass-file= pass-cmd= server= resolver= dnssec-anchor= 4 6 tls= insecure ca= pin= client-cert= client-key= timeout= connect-timeout= retry= retry-wait= json format= 0 color= q/quiet v/verbose trace= h/help V/version
end

function __fish_impp_acl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_impp_acl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_impp_acl_using_subcommand
    set -l cmd (__fish_impp_acl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c impp-acl -n "__fish_impp_acl_needs_command" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -s V -l version -d 'Print the version'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "show" -d 'Print the rules, the first that matches decides'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "allow" -d 'Let WHO do OP'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "deny" -d 'Refuse OP to WHO'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "conceal" -d 'Refuse OP to WHO without letting them know'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "remove" -d 'Take away what is said about WHO (and OP)'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "default" -d 'Take all rules away: the domain\'s default decides'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "test" -d 'Tell which rule decides; status 0 allowed, 1 not'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "watchers" -d 'Print who subscribes now'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "refused" -d 'Print who was refused lately'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "export" -d 'Write the rules as XML'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "import" -d 'Replace the rules by those of an XML file'
complete -c impp-acl -n "__fish_impp_acl_needs_command" -f -a "edit" -d 'Change the rules in $VISUAL or $EDITOR'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand show" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l view -d 'They see the value published with this view' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand allow" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand deny" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand conceal" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand remove" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand default" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand test" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand watchers" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand refused" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand export" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand import" -s h -l help -d 'Print this'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l login -d 'Who I am: user@domain' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s 4 -d 'Only IPv4'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s 6 -d 'Only IPv6'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l insecure -d 'Do not verify the server'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -l json -d 'One JSON object per line'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s q -l quiet -d 'Say less'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-acl -n "__fish_impp_acl_using_subcommand edit" -s h -l help -d 'Print this'
complete -c impp-acl -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
