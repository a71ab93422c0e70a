//! Runs the dialogues of `tests/talks/*.talk` against the engines; how they are written is said in `tests/talks/README`.

#[cfg(test)]
#[path = "talks/runner/mod.rs"]
#[allow(dead_code, reason = "talks are cut in another test")]
mod runner;

#[cfg(test)]
mod talks {
    use crate::runner;
    use crate::runner::script;
    use std::path::Path;

    fn run_file(name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talks").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let talks = script::read(&text);
        assert!(!talks.is_empty(), "{name} holds no talk");
        let failures: Vec<String> = talks.iter().filter_map(|talk| runner::run(name, talk).err()).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }

    macro_rules! files {
        ($($test:ident)*) => {
            $(#[test]
            fn $test() {
                run_file(concat!(stringify!($test), ".talk"));
            })*

            #[test]
            fn no_file_is_forgotten() {
                let known = [$(concat!(stringify!($test), ".talk")),*];
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talks");
                for entry in std::fs::read_dir(folder).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    assert!(!name.ends_with(".talk") || known.contains(&name.as_str()), "{name} is not run");
                }
            }
        };
    }

    files! { hello order starttls scram plain external anonymous failures sizes time bye requests client_login client_open link_accepted link_opened }

    /// What the server says to two logins, with its nonces and salts taken out, and what it asks meanwhile.
    fn said(user: &str, password: &str) -> Vec<String> {
        let text = format!(
            "# x\nuser: alice wonderland\ntls: active\nC: HELLO 1 impp/1.0\nC: Domain: example.org\nC: Connection-ID: c1\nC:\n\
             C: AUTH 2 impp/1.0\nC: Mechanism: SCRAM-SHA-256\nC: Data: {{b64 n,,n={user},r=abcdef}}\nC:\n\
             then\nC: AUTH 3 impp/1.0\nC: Data: {{final {password}}}\nC:\n\
             C: AUTH 4 impp/1.0\nC: Mechanism: PLAIN\nC: Data: {{b64 \\0{user}\\0{password}}}\nC:\n"
        );
        runner::listen(&script::read(&text)[0])
    }

    #[test]
    fn nobody_learns_whether_a_user_exists() {
        let wrong = said("alice", "looking-glass");
        assert!(wrong.iter().any(|line| line == "S: Error: authentication-failed"), "{wrong:#?}");
        for user in ["nobody", "Nobody", "john smith", "*"] {
            let mut unknown = said(user, "looking-glass");
            // A name that no account can have is not looked up; everything else is done for it, too.
            if user.contains([' ', '*']) {
                unknown.insert(unknown.iter().position(|line| line.starts_with("S: Lease-Max")).unwrap() + 2, "look-up".into());
                let check = unknown.iter().position(|line| line == "check-password").unwrap();
                unknown.insert(check, "look-up".into());
            }
            assert_eq!(unknown, wrong, "{user}");
        }
        assert_ne!(said("alice", "wonderland"), wrong);
    }

    #[test]
    fn a_name_that_does_not_exist_keeps_its_salt() {
        let salt = |user: &str| {
            let text = format!(
                "# x\nuser: alice wonderland\ntls: active\nC: HELLO 1 impp/1.0\nC: Domain: example.org\nC: Connection-ID: c1\nC:\n\
                 C: AUTH 2 impp/1.0\nC: Mechanism: SCRAM-SHA-256\nC: Data: {{b64 n,,n={user},r=abcdef}}\nC:\n"
            );
            runner::salt(&script::read(&text)[0])
        };
        assert_eq!(salt("nobody"), salt("nobody"));
        assert_eq!(salt("nobody"), salt("NOBODY"), "it is one account");
        assert_ne!(salt("nobody"), salt("somebody"));
        let ((decoy, count), (true_one, true_count)) = (salt("nobody"), salt("alice"));
        assert_eq!((decoy.len(), count), (true_one.len(), true_count));
    }
}
