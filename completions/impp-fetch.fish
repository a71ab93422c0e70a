complete -c impp-fetch -l list -d 'Also those in FILE, one per line (-: standard input)' -r -F
complete -c impp-fetch -l parallel -d 'Ask so many at a time [default: 16]' -r
complete -c impp-fetch -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-fetch -l login -d 'Who I am: user@domain' -r
complete -c impp-fetch -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-fetch -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-fetch -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-fetch -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-fetch -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-fetch -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-fetch -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-fetch -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-fetch -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-fetch -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-fetch -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-fetch -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-fetch -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-fetch -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-fetch -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-fetch -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-fetch -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-fetch -l any -d 'Status 0 if at least one is open, 1 if none'
complete -c impp-fetch -l all -d 'Status 0 if all are open, 1 if not'
complete -c impp-fetch -s 1 -d 'One word for all: open, closed, mixed or unknown'
complete -c impp-fetch -l xml -d 'Write the presence objects as they came'
complete -c impp-fetch -l pidf -d 'Write PIDF (RFC 3863), a document per line'
complete -c impp-fetch -l nagios -d 'One line, and 0 all open, 1 some, 2 none, 3 unknown, as Nagios has it'
complete -c impp-fetch -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-fetch -s 4 -d 'Only IPv4'
complete -c impp-fetch -s 6 -d 'Only IPv6'
complete -c impp-fetch -l insecure -d 'Do not verify the server'
complete -c impp-fetch -l json -d 'One JSON object per line'
complete -c impp-fetch -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-fetch -s q -l quiet -d 'Say less'
complete -c impp-fetch -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-fetch -s h -l help -d 'Print this'
complete -c impp-fetch -s V -l version -d 'Print the version'
complete -c impp-fetch -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
