complete -c impp-recv -l count -d 'End after N messages' -r
complete -c impp-recv -l from -d 'Only from senders that match; others are left for other receivers' -r
complete -c impp-recv -l match -d 'Only messages with such a header; may be repeated' -r
complete -c impp-recv -l dir -d 'Put each message into this maildir' -r -F
complete -c impp-recv -l exec -d 'Run a command for each message; its status decides (0 taken, 75 later, else refused)' -r
complete -c impp-recv -l ack -d 'When a message counts as taken [default: after-exec with --exec]' -r -f -a "auto\t'When it has been written; the handler\'s status does not matter'
after-exec\t'When the handler ended with status 0'"
complete -c impp-recv -l save-attachments -d 'Write attachments as files into this folder' -r -F
complete -c impp-recv -l log -d 'Append each message as a JSON line to this file' -r -F
complete -c impp-recv -l session -d 'Go on with the session of the last run, and keep it for the next' -r -F
complete -c impp-recv -l inbox -d 'Take another user\'s messages, where they allow it' -r
complete -c impp-recv -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-recv -l login -d 'Who I am: user@domain' -r
complete -c impp-recv -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-recv -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-recv -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-recv -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-recv -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-recv -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-recv -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-recv -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-recv -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-recv -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-recv -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-recv -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-recv -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-recv -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-recv -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-recv -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-recv -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-recv -l once -d 'End after one message'
complete -c impp-recv -l mime -d 'Write the whole message'
complete -c impp-recv -l body -d 'Write only the text'
complete -c impp-recv -l mbox -d 'Write the messages as a mailbox in mbox format'
complete -c impp-recv -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-recv -s 4 -d 'Only IPv4'
complete -c impp-recv -s 6 -d 'Only IPv6'
complete -c impp-recv -l insecure -d 'Do not verify the server'
complete -c impp-recv -l json -d 'One JSON object per line'
complete -c impp-recv -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-recv -s q -l quiet -d 'Say less'
complete -c impp-recv -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-recv -s h -l help -d 'Print this'
complete -c impp-recv -s V -l version -d 'Print the version'
complete -c impp-recv -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
