complete -c impp-send -s s -l subject -d 'Subject' -r
complete -c impp-send -s m -l message -d 'The body; standard input stays untouched' -r
complete -c impp-send -l file -d 'The body (with -t and --raw the message)' -r -F
complete -c impp-send -l type -d 'Media type of the body [default: text/plain]' -r
complete -c impp-send -l attach -d 'Attach a file; may be repeated' -r
complete -c impp-send -l html -d 'An HTML version of the body' -r -F
complete -c impp-send -l exec -d 'Run it, and send its output if it fails' -r
complete -c impp-send -s F -d 'My name, beside the address' -r
complete -c impp-send -l reply-to -d 'Where answers shall go' -r
complete -c impp-send -l in-reply-to -d 'The message that this one answers' -r
complete -c impp-send -l id -d 'Message-ID [default: a new one]' -r
complete -c impp-send -s H -d 'A further header; may be repeated' -r
complete -c impp-send -l lang -d 'Language of the text' -r
complete -c impp-send -l urgency -d 'low, normal, high or emergency' -r -f -a "low\t'Priority: non-urgent'
normal\t'Priority: normal'
high\t'Priority: urgent'
emergency\t'Priority: urgent, Importance: high'"
complete -c impp-send -l expires -d 'Worthless after this time (0: deliver now or fail)' -r
complete -c impp-send -l wait -d 'Done when stored (default), delivered, or none' -r -f -a "stored\t'In durable storage, or delivered'
delivered\t'A receiving program has it; only stored is status 3'
none\t'Handed to my server'"
complete -c impp-send -l fallback -d 'Run CMD with the message if nobody got it' -r
complete -c impp-send -l queue -d 'What fails for now stays in the spool (status 3)' -r -F
complete -c impp-send -l max-size -d 'Refuse a longer body' -r
complete -c impp-send -l max-rate -d 'Send no more than N messages in TIME; the others wait' -r
complete -c impp-send -s c -l config -d 'Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml' -r -F
complete -c impp-send -l login -d 'Who I am: user@domain' -r
complete -c impp-send -l pass-file -d 'The password is the first line of FILE (-: standard input)' -r -F
complete -c impp-send -l pass-cmd -d 'The password is the first line that CMD prints' -r
complete -c impp-send -l server -d 'Server to connect to; otherwise the DNS says where it is' -r
complete -c impp-send -l resolver -d 'Ask this name server instead of the system\'s' -r
complete -c impp-send -l dnssec-anchor -d 'Validate DNS answers from these keys on, always (none: never)' -r -F
complete -c impp-send -l tls -d 'require, starttls or off (off: only to loopback or with --insecure)' -r -f -a "require\t'From the first octet'
starttls\t'Plain start, then STARTTLS'
off\t'None'"
complete -c impp-send -l ca -d 'Trust these certificates (PEM) instead of the system\'s' -r -F
complete -c impp-send -l pin -d 'The server\'s key must have this fingerprint' -r
complete -c impp-send -l client-cert -d 'Log in with this certificate (PEM)' -r -F
complete -c impp-send -l client-key -d 'Its key (PEM)' -r -F
complete -c impp-send -l timeout -d 'Time for the whole run (90s, 10m, 12h, 7d)' -r
complete -c impp-send -l connect-timeout -d 'Time to connect and log in [default: 10s]' -r
complete -c impp-send -l retry -d 'Try again so often what would end in status 75' -r
complete -c impp-send -l retry-wait -d 'Wait before the first retry, doubled each time [default: 1s]' -r
complete -c impp-send -l format -d 'A line per record: \'{field}\\t{field}\\n\'' -r
complete -c impp-send -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Also into a pipe'
never\t'Not at all'"
complete -c impp-send -l trace -d 'Show what is sent (->) and received (<-), secrets masked' -r -F
complete -c impp-send -s t -d 'Recipients are those of the headers (Bcc removed)'
complete -c impp-send -l raw -d 'Standard input is a whole message, sent as it is'
complete -c impp-send -l lines -d 'One message per line, over one connection'
complete -c impp-send -l ndjson -d 'One message per JSON line: to, subject, text ..'
complete -c impp-send -l if-open -d 'Only to those who are open now'
complete -c impp-send -l first-open -d 'Only to the first of them who is open now'
complete -c impp-send -l probe -d 'Send nothing: log in, and tell who is open'
complete -c impp-send -l flush -d 'Send what is in the spool'
complete -c impp-send -l queue-list -d 'Show what is in the spool'
complete -c impp-send -l skip-empty -d 'Send nothing if the body is empty'
complete -c impp-send -l truncate -d 'Cut a longer body: keep head and tail, say how much is missing'
complete -c impp-send -l tee -d 'What is read from standard input (or CMD) also goes to standard output'
complete -c impp-send -s n -l dry-run -d 'Print the message instead of sending it'
complete -c impp-send -l sendmail -d 'Behave as sendmail does, with its options behind this one'
complete -c impp-send -l anonymous -d 'Log in as nobody, where the domain allows it'
complete -c impp-send -s 4 -d 'Only IPv4'
complete -c impp-send -s 6 -d 'Only IPv6'
complete -c impp-send -l insecure -d 'Do not verify the server'
complete -c impp-send -l json -d 'One JSON object per line'
complete -c impp-send -s 0 -d 'Records end in NUL instead of a line feed'
complete -c impp-send -s q -l quiet -d 'Say less'
complete -c impp-send -s v -l verbose -d 'Say more; twice: everything'
complete -c impp-send -s h -l help -d 'Print this'
complete -c impp-send -s V -l version -d 'Print the version'
complete -c impp-send -s a -l account -d 'Section [account.NAME] of the configuration' -r -f -a '(set -l line (commandline -opc); command $line[1] --complete-accounts $line[2..] 2>/dev/null)'
