complete -c impp-srv -l expect -d 'It must be so: SRV records in a file, or HOST:PORT' -r
complete -c impp-srv -l zone-file -d 'Judge this master file before it is published' -r -F
complete -c impp-srv -l order -d 'Draw N times as clients do; print the shares' -r
complete -c impp-srv -l seed -d 'The same draws each time' -r
complete -c impp-srv -l print-zone -d 'Print the records to publish for HOST[:PORT]' -r
complete -c impp-srv -l cert -d 'Its certificate (PEM), not the running server\'s' -r -F
complete -c impp-srv -l explain -d 'What a finding means (S01 ..; all), and what to do' -r
complete -c impp-srv -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-srv -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-srv -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-srv -l timeout -d 'Time for the whole run [default: 30s]' -r
complete -c impp-srv -l connect-timeout -d 'Time for each step of a visit [default: 5s]' -r
complete -c impp-srv -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-srv -l login -d 'Who I am: user@domain' -r
complete -c impp-srv -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-srv -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-srv -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-srv -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-srv -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-srv -l client -d 'Look as a client does'
complete -c impp-srv -l server -d 'Look as the server of another domain does'
complete -c impp-srv -l all -d 'Look as both [default]'
complete -c impp-srv -l connect -d 'Visit every address (default without --zone-file)'
complete -c impp-srv -l no-connect -d 'Look at records only'
complete -c impp-srv -l probe-login -d 'Log in with the account, too'
complete -c impp-srv -l authoritative -d 'Ask each name server of the zone by itself'
complete -c impp-srv -l short -d 'One line per domain'
complete -c impp-srv -l nagios -d 'For Nagios: its line, and 1 warning, 2 critical'
complete -c impp-srv -l prometheus -d 'For Prometheus: metrics in its text format'
complete -c impp-srv -l strict -d 'Warnings count as errors'
complete -c impp-srv -s 4 -d 'Only IPv4'
complete -c impp-srv -s 6 -d 'Only IPv6'
complete -c impp-srv -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-srv -l json -d 'One JSON object per line'
complete -c impp-srv -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-srv -s q -l quiet -d 'Say less'
complete -c impp-srv -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-srv -s h -l help -d 'Print this'
complete -c impp-srv -s V -l version -d 'Print the version'
complete -c impp-srv -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
