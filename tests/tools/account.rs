//! Who logs in and with which secret: accounts, aliases, and every source of a password.

use crate::site::{Call, PASSWORD, Site};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

/// A configuration with these lines in its account, which only its owner can read.
fn config(site: &Site, name: &str, account: &str) -> String {
    let text = format!(
        "[account.default]\nlogin = 'bob@demo.test'\nserver = '{}'\nca = '{}'\n{account}\n\
         [account.work]\nlogin = 'carol@demo.test'\nserver = '{0}'\nca = '{1}'\npass-file = 'password'\n\
         [aliases]\nann = 'alice@demo.test'\nteam = ['ann', 'impp://demo.test/bob', 'carol@demo.test']\n",
        site.server(),
        site.certificate().display()
    );
    let path = site.path(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn accounts_and_aliases() {
    let site = Site::start();
    let config = config(&site, "impp.toml", "pass-file = 'password'");
    let call = |tool: &str, words: &[&str]| Call::new(tool, words).env("IMPP_CONFIG", &config);
    call("impp-set", &["open", "--note", "bob"]).run().quietly(0);
    call("impp-set", &["-a", "work", "open", "--note", "carol"]).run().quietly(0);
    let told = call("impp-fetch", &["--format", "{address} {note}\\n", "team", "ann"]).run().quietly(2);
    assert_eq!(told.out, "alice@demo.test \nbob@demo.test bob\ncarol@demo.test carol\n");
    let watched = call("impp-watch", &["--count", "3", "--format", "{address}\\n", "team"]).run().quietly(0);
    let mut lines: Vec<_> = watched.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["alice@demo.test", "bob@demo.test", "carol@demo.test"]);
    call("impp-set", &["closed"]).env("IMPP_ACCOUNT", "work").run().quietly(0);
    assert_eq!(call("impp-fetch", &["-1", "carol@demo.test"]).run().quietly(1).out, "closed\n");
    call("impp-acl", &["deny", "send", "team"]).run().quietly(0);
    assert_eq!(call("impp-acl", &["show"]).run().quietly(0).out.lines().count(), 3);
    call("impp-set", &["open", "--for", "team"]).run().saying(65, "stands for several addresses");
    call("impp-fetch", &["-a", "home", "ann"]).run().saying(78, "there is no [account.home] in ");
    call("impp-fetch", &["nobody"]).run().saying(65, "there is no such alias");
}

#[test]
fn every_source_of_a_password() {
    let site = Site::start();
    let bare = config(&site, "bare.toml", "");
    let wrong = config(&site, "wrong.toml", "password = 'wrong'");
    let file = site.path("password").to_str().unwrap().to_owned();
    let bad = site.path("bad");
    std::fs::write(&bad, "wrong\n").unwrap();
    let bad = bad.to_str().unwrap();
    let fetch =
        |config: &str, words: &[&str]| Call::new("impp-fetch", &[&["-q", "-c", config, "alice@demo.test"], words].concat());
    let command = format!("cat {file}; echo; echo and more");
    std::fs::create_dir(site.path("credentials")).unwrap();
    std::fs::write(site.path("credentials/impp-password"), format!("{PASSWORD}\n")).unwrap();
    let credentials = site.path("credentials");
    // Each one right, with all that come behind it wrong.
    fetch(&wrong, &["--pass-file", &file])
        .env("CREDENTIALS_DIRECTORY", site.path(""))
        .env("IMPP_PASSWORD", "wrong")
        .run()
        .quietly(1);
    fetch(&wrong, &["--pass-cmd", &command]).env("IMPP_PASSWORD", "wrong").run().quietly(1);
    fetch(&wrong, &["--pass-file", "-"]).input(format!("{PASSWORD}\r\n")).run().quietly(1);
    fetch(&wrong, &[]).env("CREDENTIALS_DIRECTORY", &credentials).env("IMPP_PASSWORD_FILE", bad).run().quietly(1);
    fetch(&wrong, &[]).env("IMPP_PASSWORD_FILE", &file).env("IMPP_PASSWORD", "wrong").run().quietly(1);
    fetch(&wrong, &[]).env("IMPP_PASSWORD", PASSWORD).run().quietly(1);
    for line in [format!("password = '{PASSWORD}'"), "pass-file = 'password'".to_owned(), format!("pass-cmd = \"cat {file}\"")] {
        fetch(&config(&site, "right.toml", &line), &[]).run().quietly(1);
    }
    // A folder of credentials without this one says nothing.
    fetch(&bare, &[]).env("CREDENTIALS_DIRECTORY", site.path("")).env("IMPP_PASSWORD", PASSWORD).run().quietly(1);
    fetch(&wrong, &[]).run().saying(77, "login failed");
    fetch(&bare, &[]).run().saying(78, "no password for bob@demo.test");
    fetch(&bare, &["--pass-cmd", "echo secret-word; exit 3"]).run().saying(78, "exit status: 3");
    fetch(&bare, &["--pass-cmd", "true"]).run().saying(78, "its first line is empty");
    fetch(&bare, &["--pass-file", "/nonexistent/password"]).run().saying(66, "/nonexistent/password");
    let late = fetch(&bare, &["--pass-cmd", "exec sleep 1000", "--timeout", "1s"]).run();
    late.saying(75, "no answer from \"exec sleep 1000\" in time");
}

#[test]
fn a_person_is_asked_and_not_overheard() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        // Without it there is no terminal to be had.
        return eprintln!("skipped: script is not installed");
    }
    let site = Site::start();
    let bare = config(&site, "bare.toml", "");
    for (typed, status) in [(PASSWORD, 1), ("wrong", 77)] {
        let mut call = Call::new("impp-fetch", &["-c", &bare, "alice@demo.test"]).on_terminal();
        let mut child = call.command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shown = up_to_the_question(&mut stdout);
        stdin.write_all(format!("{typed}\n").as_bytes()).unwrap();
        stdout.read_to_end(&mut shown).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status), "{}", String::from_utf8_lossy(&shown));
        assert!(!String::from_utf8_lossy(&shown).contains(typed), "{}", String::from_utf8_lossy(&shown));
    }
}

fn up_to_the_question(terminal: &mut impl std::io::Read) -> Vec<u8> {
    let mut shown = Vec::new();
    let mut octet = [0];
    while !shown.ends_with(b"Password for bob@demo.test: ") {
        terminal.read_exact(&mut octet).unwrap();
        shown.push(octet[0]);
    }
    shown
}

#[test]
fn whoever_does_not_answer_is_not_waited_for_and_keeps_their_terminal() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        // Without it there is no terminal to be had.
        return eprintln!("skipped: script is not installed");
    }
    let site = Site::start();
    let bare = config(&site, "bare.toml", "");
    let fetch = format!("{} -c {bare} alice@demo.test", env!("CARGO_BIN_EXE_impp-fetch"));
    let hidden = "until stty -a < /dev/tty | grep -q -- '-echo '; do :; done";
    for (line, typed, status, said) in [
        // The key for it, a signal from elsewhere, and the time.
        (fetch.clone(), "\u{3}", 130, ""),
        (format!("sh -c \"({hidden}; kill -TERM \\$\\$) & exec {fetch}\""), "", 143, ""),
        (format!("{fetch} --timeout 1s"), "", 75, "impp-fetch: cannot get the password: no answer within 1 s"),
    ] {
        let script = format!("trap : INT; {line}; echo ended with $?; stty -a");
        let mut call = Call::program("/usr/bin/script", &["-qec", &script, "/dev/null"]);
        let mut child = call.command.env_remove("IMPP_TIMEOUT").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shown = up_to_the_question(&mut stdout);
        stdin.write_all(typed.as_bytes()).unwrap();
        stdout.read_to_end(&mut shown).unwrap();
        assert!(child.wait().unwrap().success());
        let shown = String::from_utf8_lossy(&shown).replace('\r', "");
        assert!(shown.contains(&format!("\n{said}{}ended with {status}\n", if said.is_empty() { "" } else { "\n" })), "{shown}");
        let settings: Vec<&str> = shown.split_whitespace().collect();
        assert!(["echo", "isig", "icanon"].iter().all(|one| settings.contains(one)), "{shown}");
    }
}

#[test]
fn a_question_is_for_terminals() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        return eprintln!("skipped: script is not installed");
    }
    let site = Site::start();
    let bare = config(&site, "bare.toml", "");
    let terminal = |line: &str| Call::program("/usr/bin/script", &["-qec", line, "/dev/null"]);
    // What is typed there is asked for although the message comes out of a pipe.
    let send = format!("echo hello | {} -c {bare} alice@demo.test", env!("CARGO_BIN_EXE_impp-send"));
    let mut child = terminal(&send).command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    up_to_the_question(&mut stdout);
    stdin.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(site.call("impp-recv", "alice", &["--once", "--body"]).run().quietly(0).out, "hello\n");
    // Nobody reads what is asked into a file.
    let done = terminal(&format!("{send} 2> {}", site.path("errors").display())).run();
    assert_eq!(done.status, 78, "{done:?}");
    assert!(std::fs::read_to_string(site.path("errors")).unwrap().contains("no password for bob@demo.test"));
}
