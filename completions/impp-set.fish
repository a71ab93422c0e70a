complete -c impp-set -l activity -d 'away, busy, meeting, vacation .. or own words' -r
complete -c impp-set -l note -d 'A sentence for people' -r
complete -c impp-set -l lease -d 'For how long; then the value before shows again [default: infinity; 1h with --hold]' -r
complete -c impp-set -l exec -d 'Hold while a command runs; its status is passed on' -r
complete -c impp-set -l tuple -d 'Change only this device or medium' -r
complete -c impp-set -l contact -d 'A URL to reach me' -r
complete -c impp-set -l priority -d 'How much I prefer to be reached there, 0 to 1' -r
complete -c impp-set -l card -d 'A field of my card (fn, title, tel ..); empty takes it away; may be repeated' -r
complete -c impp-set -l file -d 'Publish this file (-: standard input): application/presence as it is, or PIDF (RFC 3863)' -r -F
complete -c impp-set -l view -d 'The value for those to whom the rules show this view' -r
complete -c impp-set -l for -d 'For another user, where their rules allow it' -r
complete -c impp-set -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-set -l login -d 'Who I am: user@domain' -r
complete -c impp-set -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-set -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-set -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-set -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-set -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-set -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-set -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-set -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-set -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-set -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-set -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-set -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-set -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-set -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-set -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-set -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-set -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-set -l hold -d 'Stay, renew the lease, and take the value back at the end'
complete -c impp-set -l clear -d 'Take the leased value (or with --tuple that tuple) away'
complete -c impp-set -l show -d 'Print what is published now'
complete -c impp-set -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-set -s 4 -d 'Only IPv4'
complete -c impp-set -s 6 -d 'Only IPv6'
complete -c impp-set -l insecure -d 'Do not verify the server'
complete -c impp-set -l json -d 'One JSON object per line'
complete -c impp-set -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-set -s q -l quiet -d 'Say less'
complete -c impp-set -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-set -s h -l help -d 'Print this'
complete -c impp-set -s V -l version -d 'Print the version'
complete -c impp-set -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
