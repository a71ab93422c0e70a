complete -c impp-watch -l until -d 'End with status 0 when one of them is open, is closed, or changes' -r -f -a "open\t'One of them is open'
closed\t'One of them is closed'
change\t'One of them changes'"
complete -c impp-watch -l count -d 'End after N lines' -r
complete -c impp-watch -l list -d 'Also those in FILE, one per line (-: standard input)' -r -F
complete -c impp-watch -l lease -d 'For how long to ask at a time; renewed as long as this runs' -r
complete -c impp-watch -l exec -d 'Run a command for each line' -r
complete -c impp-watch -l chart -d 'Draw who was open when, live or of a log, on the terminal or as a picture; see --read' -r
complete -c impp-watch -l read -d 'Chart what --json wrote into FILE (-: standard input, as without ADDR) instead of watching' -r -F
complete -c impp-watch -l span -d 'Chart only the last so much time' -r
complete -c impp-watch -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-watch -l login -d 'Who I am: user@domain' -r
complete -c impp-watch -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-watch -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-watch -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-watch -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-watch -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-watch -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-watch -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-watch -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-watch -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-watch -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-watch -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-watch -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-watch -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-watch -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-watch -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-watch -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-watch -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-watch -l changes-only -d 'Leave out the state at the beginning'
complete -c impp-watch -l status -d 'One line about all of them instead, anew after each change: for status bars'
complete -c impp-watch -l pidf -d 'Write PIDF (RFC 3863), a document per line'
complete -c impp-watch -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-watch -s 4 -d 'Only IPv4'
complete -c impp-watch -s 6 -d 'Only IPv6'
complete -c impp-watch -l insecure -d 'Do not verify the server'
complete -c impp-watch -l json -d 'One JSON object per line'
complete -c impp-watch -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-watch -s q -l quiet -d 'Say less'
complete -c impp-watch -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-watch -s h -l help -d 'Print this'
complete -c impp-watch -s V -l version -d 'Print the version'
complete -c impp-watch -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
