//! Reads the test vectors and transcripts out of docs/protocol.md and runs them, so that document and code cannot drift.

#[cfg(test)]
#[path = "wire/harness.rs"]
mod harness;

/// The document, taken apart.
#[cfg(test)]
mod document {
    const TEXT: &str = include_str!("../docs/protocol.md");

    /// From the line `### TITLE` to the next title.
    pub(crate) fn section(title: &str) -> &'static str {
        let (_, rest) = TEXT.split_once(&format!("\n### {title}")).unwrap_or_else(|| panic!("no section {title}"));
        rest.split("\n## ").next().unwrap().split("\n### ").next().unwrap()
    }

    /// The cells of the table whose first line begins with `head`, without its first two lines.
    pub(crate) fn table(section: &'static str, head: &str) -> Vec<Vec<&'static str>> {
        let lines = section.lines().skip_while(|line| !line.starts_with(head)).take_while(|line| line.starts_with('|'));
        let rows: Vec<_> = lines.skip(2).map(|line| line.trim_matches(['|', ' ']).split(" | ").collect()).collect();
        assert!(!rows.is_empty(), "no table {head}");
        rows
    }

    /// What stands between the first two backticks.
    pub(crate) fn code(cell: &'static str) -> Option<&'static str> {
        cell.split('`').nth(1)
    }

    /// The blocks marked `talk`, each with the number of its first line.
    pub(crate) fn talks() -> Vec<(usize, Vec<&'static str>)> {
        let mut blocks: Vec<(usize, Vec<&str>)> = Vec::new();
        let mut within = false;
        for (number, line) in TEXT.lines().enumerate() {
            match line {
                "```talk" => {
                    within = true;
                    blocks.push((number + 2, Vec::new()));
                }
                "```" => within = false,
                line if within => blocks.last_mut().unwrap().1.push(line),
                _ => {}
            }
        }
        blocks
    }
}

/// B.1
#[cfg(test)]
mod addresses {
    use super::document::code;
    use super::document::section;
    use super::document::table;
    use impp::model::Address;

    #[test]
    fn read_and_written() {
        for row in table(section("B.1"), "| read | canonical form |") {
            let [read, canonical, email] = row[..] else { panic!("{row:?}") };
            let read = code(read).unwrap();
            let address = Address::parse(read).unwrap_or_else(|why| panic!("{read}: {why}"));
            assert_eq!(Some(address.as_str()), code(canonical), "{read}");
            match code(email) {
                Some(email) => assert_eq!(address.shown(), email, "{read}"),
                None => assert!(address.is_domain(), "{read}"),
            }
            assert_eq!(Address::parse(&address.shown()).as_ref(), Ok(&address), "{read}");
            assert_eq!(Address::parse_url(address.as_str()).as_ref(), Ok(&address), "{read}");
        }
    }

    #[test]
    fn refused() {
        for row in table(section("B.1"), "| read | because |") {
            let read = code(row[0]).unwrap();
            assert!(Address::parse(read).is_err(), "{read}: {}", row[1]);
            assert!(Address::parse_url(read).is_err(), "{read}: {}", row[1]);
        }
    }

    #[test]
    fn lengths() {
        let labels =
            |last: usize| [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), &"d".repeat(last)].map(String::as_str).join(".");
        for (good, text) in [
            (true, format!("{}@example.org", "a".repeat(256))),
            (false, format!("{}@example.org", "a".repeat(257))),
            (true, format!("{}@example.org", "ü".repeat(128))),
            (false, format!("{}@example.org", "ü".repeat(129))),
            (true, format!("a@{}", "b".repeat(63))),
            (false, format!("a@{}", "b".repeat(64))),
            (true, format!("a@{}", labels(61))),
            (false, format!("a@{}", labels(62))),
        ] {
            assert_eq!(Address::parse(&text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn on_the_wire_only() {
        let line = section("B.1").lines().find(|line| line.starts_with("On the wire only")).unwrap();
        let url = code(line).unwrap();
        assert!(Address::parse(url).is_ok(), "a person may type {url}");
        assert!(Address::parse_url(url).is_err(), "{url}");
    }

    #[test]
    fn local_users_are_case_mapped() {
        let line = section("B.1").lines().find(|line| line.starts_with("UsernameCaseMapped")).unwrap();
        let items: Vec<_> = line.split("; ").collect();
        assert_eq!(items.len(), 6, "{line}");
        for item in items {
            let names: Vec<&str> = item.split('`').skip(1).step_by(2).collect();
            let address = Address::new(names[0], &impp::model::Domain::parse("example.org").unwrap()).unwrap();
            let mapped = address.canonical_local().map(|address| address.user().into_owned());
            let expected = if item.contains("refused") { None } else { Some((*names.last().unwrap()).to_owned()) };
            assert_eq!(mapped, expected, "{item}");
        }
    }
}

/// B.3
#[cfg(test)]
mod frames {
    use super::document::code;
    use super::document::section;
    use super::document::table;
    use super::harness::outcome;

    const TAIL: &str = "PING tail impp/1.0\r\n\r\n";

    fn unescape(text: &str) -> Vec<u8> {
        let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0");
        let mut parts = text.split("\\x");
        let mut out = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            let (digits, rest) = part.split_at(2);
            out.push(u8::from_str_radix(digits, 16).unwrap());
            out.extend_from_slice(rest.as_bytes());
        }
        out
    }

    /// A head of `octets` octets.
    fn head(octets: usize) -> Vec<u8> {
        let (before, after) = ("PING 1 impp/1.0\r\nX: ", "\r\n\r\n");
        [before, &"x".repeat(octets - before.len() - after.len()), after].concat().into_bytes()
    }

    fn headers(count: usize) -> Vec<u8> {
        ["PING 1 impp/1.0\r\n", &"X: y\r\n".repeat(count), "\r\n"].concat().into_bytes()
    }

    /// What the answer column says, as the harness says it.
    fn expected(cell: &'static str) -> String {
        let mut answers = Vec::new();
        for part in cell.split(';') {
            let Some(head) = code(part) else { continue };
            let token = part.split(',').nth(1).map(str::trim);
            answers.push(match head.split_once(' ').unwrap() {
                ("ERROR", head) => format!("ERROR {} {head}", token.unwrap()),
                (_, head) => format!("OK {head}"),
            });
        }
        let end = match cell {
            cell if cell.contains("closed at once") => "silent",
            cell if cell.contains("closed") => "answered",
            _ => "stays",
        };
        format!("{}; {end}", answers.join(", "))
    }

    fn check(number: &str, state: &str, octets: &[u8], expected: &str) {
        assert_eq!(outcome(state, std::iter::once(octets)), expected, "{number} whole");
        assert_eq!(outcome(state, octets.chunks(1)), expected, "{number} octet by octet");
        let tail = [octets, TAIL.as_bytes()].concat();
        let pong = if state == "fresh" { "ERROR malformed-request (PING) tail" } else { "OK (PING) tail" };
        let expected = match expected.strip_suffix("; stays") {
            Some("") => format!("{pong}; stays"),
            Some(seen) => format!("{seen}, {pong}; stays"),
            None => expected.to_owned(),
        };
        assert_eq!(outcome(state, std::iter::once(&tail[..])), expected, "{number} with a tail");
        assert_eq!(outcome(state, tail.chunks(1)), expected, "{number} with a tail, octet by octet");
    }

    #[test]
    fn all_rows() {
        let rows = table(section("B.3"), "| no | octets |");
        assert_eq!(rows.len(), 40);
        let (ok, malformed) = ("OK (PING) 1; stays", "ERROR malformed-request (PING) 1; answered");
        let unknown = "ERROR malformed-request (UNKNOWN) 0; answered";
        for row in rows {
            let [number, octets, answer] = row[..] else { panic!("{row:?}") };
            match (number, code(octets)) {
                (_, Some(octets)) => {
                    check(number, if number == "F1" { "fresh" } else { "greeted" }, &unescape(octets), &expected(answer));
                }
                ("F37", None) => {
                    let octets = [&"A".repeat(33), " 1 impp/1.0\r\n\r\n"].map(|text: &str| text).concat();
                    check(number, "greeted", octets.as_bytes(), &expected(answer));
                }
                ("F38", None) => check(number, "greeted", &head(16_384), ok),
                ("F39", None) => {
                    check(number, "greeted", &head(16_385), malformed);
                    check(number, "greeted", &[b'A'; 16_385], unknown);
                    check(number, "greeted", &[b"PING 1 impp/1.0\r\nX: ", &[b'x'; 16_385 - 20][..]].concat(), malformed);
                }
                ("F40", None) => {
                    check(number, "greeted", &headers(64), ok);
                    check(number, "greeted", &headers(65), malformed);
                }
                _ => panic!("{row:?} is not run"),
            }
        }
    }
}

/// B.4
#[cfg(test)]
mod simple_xml {
    use super::document::code;
    use super::document::section;
    use super::document::table;
    use bytes::Bytes;
    use impp::model::Address;
    use impp::model::acl::Acl;
    use impp::model::presence::EntityFault;
    use impp::model::presence::insert_entity;

    const ENTITY: &str = "<entity>impp://example.org/alice</entity>";
    const REFUSED: &str = "mime-type-not-understood";

    fn changed(body: impl Into<Bytes>) -> Result<String, &'static str> {
        let alice = Address::parse("alice@example.org").unwrap();
        match insert_entity(&body.into(), &alice) {
            Ok(body) => Ok(String::from_utf8(body.to_vec()).unwrap()),
            Err(EntityFault::Foreign) => Err("permission-denied"),
            Err(EntityFault::Presence(_) | EntityFault::TooLong) => Err(REFUSED),
        }
    }

    /// A presence object with something more in it.
    fn with(more: &str) -> String {
        format!("<presence><status>open</status>{more}</presence>")
    }

    /// Elements within elements; the root is the first.
    fn nested(depth: usize) -> String {
        with(&["<a>".repeat(depth - 1), "</a>".repeat(depth - 1)].concat())
    }

    /// A document that has this many octets once the entity is in it.
    fn long(octets: usize) -> String {
        let note = octets - with("<note></note>").len() - ENTITY.len();
        with(&format!("<note>{}</note>", "x".repeat(note)))
    }

    #[test]
    fn presence() {
        let rows = table(section("B.4"), "| no | body | outcome |");
        assert_eq!(rows.len(), 28);
        for row in rows {
            let [number, body, outcome] = row[..] else { panic!("{row:?}") };
            match (number, code(body)) {
                ("X27", _) => {
                    assert_eq!(changed(format!("\u{feff}{}", with(""))), Err(REFUSED), "{number}");
                    let wide: Vec<u8> = with("").encode_utf16().flat_map(u16::to_be_bytes).collect();
                    assert_eq!(changed(wide), Err(REFUSED), "{number}");
                }
                (_, Some(body)) => {
                    let got = changed(body);
                    let Some(rest) = outcome.strip_prefix("ok") else {
                        assert_eq!(got, Err(outcome), "{number}");
                        continue;
                    };
                    let got = got.unwrap_or_else(|why| panic!("{number}: {why}"));
                    assert_eq!(got.replacen(ENTITY, "", 1), body, "{number}: nothing else changes");
                    match (code(rest), rest.contains("handed out as")) {
                        (Some(whole), true) => assert_eq!(got, whole, "{number}"),
                        (Some(tag), false) => assert!(got.contains(&format!("{tag}{ENTITY}")), "{number}: {got}"),
                        (None, _) => {}
                    }
                }
                ("X25", None) => {
                    assert!(changed(nested(16)).is_ok(), "{number}");
                    assert_eq!(changed(nested(17)), Err(REFUSED), "{number}");
                }
                ("X26", None) => {
                    assert_eq!(changed(long(65_536)).map(|body| body.len()), Ok(65_536), "{number}");
                    assert_eq!(changed(long(65_537)), Err(REFUSED), "{number}");
                }
                _ => panic!("{row:?} is not run"),
            }
        }
    }

    #[test]
    fn rules() {
        let (_, after) = section("B.4").split_once("As the body of SET-ACL").unwrap();
        let rows = table(after, "| no | body | outcome |");
        assert_eq!(rows.len(), 18);
        for row in rows {
            let body = code(row[1]).unwrap();
            let outcome = if Acl::parse(body.as_bytes()).is_ok() { "ok" } else { REFUSED };
            assert_eq!(outcome, row[2], "{}: {body}", row[0]);
        }
    }
}

/// B.5
#[cfg(test)]
mod numbers {
    use super::document::section;
    use super::document::table;
    use impp::model::Lease;
    use impp::model::LeaseBounds;
    use impp::model::UnixMillis;
    use impp::model::UserCall;
    use impp::model::UserRequest;
    use impp::model::Version;
    use impp::wire::Name;
    use impp::wire::Piece;
    use impp::wire::Splitter;
    use impp::wire::Writer;

    fn number(cell: &str) -> u64 {
        cell.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    #[test]
    fn versions() {
        let rows = table(section("B.5"), "| before | now (ms) |");
        let mut run = 0;
        for row in &rows {
            let [before, now, event, after] = row[..] else { panic!("{row:?}") };
            // The others are about what changes at all: scenes show them.
            if matches!(event, "CHANGE" | "lease ends" | "SET-ACL un-conceals Carol") {
                assert_eq!(Version(number(before)).next(UnixMillis(number(now))), Version(number(after)), "{row:?}");
                run += 1;
            }
        }
        assert_eq!((run, rows.len()), (5, 7));
    }

    /// The answer to a request with this Lease-Time.
    fn granted(method: &str, wish: Option<&str>) -> String {
        let mut writer = Writer::request(method, "1")
            .header(Name::From, "impp://example.org/alice")
            .header(Name::ConnectionId, "c1")
            .header(Name::Target, "impp://example.org/alice")
            .maybe(Name::LeaseTime, wish);
        if method == "CHANGE" && wish != Some("0") {
            writer = writer.header(Name::ContentType, "application/presence").header(Name::ContentLength, "1");
        }
        let mut splitter = Splitter::new(1);
        splitter.push(&writer.finish());
        splitter.push(b"x");
        let Ok(Some(Piece::Frame(frame))) = splitter.poll() else { panic!("no frame") };
        let grant = |wish| LeaseBounds::default().grant(wish).as_secs().to_string();
        match UserRequest::parse(&frame).map(|request| request.call) {
            Ok(UserCall::Subscribe { lease }) => grant(lease),
            Ok(UserCall::Change { lease: Lease::Seconds(0), .. }) => "0".to_owned(),
            Ok(UserCall::Change { lease: Lease::Seconds(wish), .. }) => grant(Some(wish)),
            Ok(UserCall::Change { lease: Lease::Infinity, .. }) => "infinity".to_owned(),
            Ok(call) => panic!("{call:?}"),
            Err(_) => "malformed-request".to_owned(),
        }
    }

    #[test]
    fn leases() {
        let rows = table(section("B.5"), "| wish |");
        assert_eq!(rows.len(), 6);
        for row in rows {
            let (method, wishes) = row[0].split_once(' ').unwrap();
            let wishes: Vec<_> = wishes.split([',', ';']).map(|wish| wish.trim_matches([' ', '`'])).collect();
            let grants: Vec<_> = row[1].split(';').map(|grant| grant.trim_matches([' ', '`'])).collect();
            for (at, wish) in wishes.iter().enumerate() {
                let wish = match *wish {
                    "without Lease-Time" => None,
                    "11 digits" => Some("12345678901"),
                    wish => Some(wish),
                };
                // One grant stands for all wishes of its row.
                assert_eq!(granted(method, wish), *grants.get(at).unwrap_or(&grants[0]), "{method} {wish:?}");
            }
        }
    }
}

/// The transcripts.
#[cfg(test)]
mod transcripts {
    use super::document::talks;
    use impp::model::acl::Acl;
    use impp::model::media_type;
    use impp::model::presence::Presence;
    use impp::model::watchers::Watchers;
    use impp::wire::Frame;
    use impp::wire::Kind;
    use impp::wire::Name;
    use impp::wire::Piece;
    use impp::wire::Splitter;

    /// What one party said.
    struct Party {
        splitter: Splitter,
        /// Content-Length of the head that is being read.
        announced: Option<usize>,
        /// Octets of the body that are still to come.
        left: Option<usize>,
        /// The errors of which one must answer its octets, if they cannot be taken: nothing of it comes behind.
        refused: Option<&'static [&'static str]>,
    }

    impl Party {
        fn new() -> Self {
            Self { splitter: Splitter::new(1 << 25), announced: None, left: None, refused: None }
        }

        /// Takes one line; a body's last line has its CRLF only if Content-Length counts it.
        fn line(&mut self, text: &str) -> Option<Frame> {
            assert!(self.refused.is_none(), "nothing stands behind refused octets");
            self.splitter.push(text.as_bytes());
            match &mut self.left {
                Some(left) => {
                    *left = left.checked_sub(text.len()).expect("the body is longer than Content-Length");
                    if *left > 0 {
                        self.splitter.push(b"\r\n");
                        *left = left.checked_sub(2).expect("Content-Length ends within a CRLF");
                    }
                    if *left == 0 {
                        self.left = None;
                    }
                }
                None => {
                    self.splitter.push(b"\r\n");
                    if let Some((name, value)) = text.split_once(": ")
                        && name == Name::ContentLength.as_str()
                    {
                        self.announced = Some(value.parse().unwrap());
                    }
                    if text.is_empty() {
                        self.left = self.announced.take().filter(|octets| *octets > 0);
                    }
                }
            }
            match self.splitter.poll() {
                Ok(Some(Piece::Frame(frame))) => {
                    assert!(self.left.is_none() && self.splitter.is_empty(), "the frame ends too early");
                    Some(frame)
                }
                Ok(None) => None,
                Ok(Some(Piece::TooLarge { .. })) => {
                    (self.refused, self.left) = (Some(&["message-too-large"][..]), None);
                    None
                }
                Err(_) => {
                    self.refused = Some(&["malformed-request", "version-not-supported"]);
                    None
                }
            }
        }

        /// Whether nothing is left half said.
        fn is_between_frames(&self) -> bool {
            self.splitter.is_empty() && self.left.is_none()
        }
    }

    fn check_body(frame: &Frame) {
        let (Some(kind), Some(body)) = (frame.header(Name::ContentType), frame.body()) else {
            assert!(frame.body().is_none_or(<[u8]>::is_empty), "a body without Content-Type");
            return;
        };
        let sound = match kind {
            kind if media_type::is(kind, media_type::PRESENCE) => Presence::parse(body).is_ok(),
            kind if media_type::is(kind, media_type::ACL) => Acl::parse(body).is_ok(),
            kind if media_type::is(kind, media_type::WATCHERS) => Watchers::parse(body).is_ok(),
            _ => true,
        };
        assert!(sound, "{kind}: {}", String::from_utf8_lossy(body));
    }

    #[test]
    fn every_frame_is_whole_and_has_the_right_length() {
        let talks = talks();
        assert!(talks.len() >= 37, "{} transcripts", talks.len());
        let mut frames = 0;
        for (first, lines) in talks {
            let mut parties = [Party::new(), Party::new()];
            for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
                let place = format!("line {}: {line}", first + number);
                let side = match line.as_bytes().first() {
                    Some(b'C') => 0,
                    Some(b'S') => 1,
                    _ => panic!("{place}"),
                };
                let text =
                    line.strip_prefix(['C', 'S']).and_then(|rest| rest.strip_prefix(':')).unwrap_or_else(|| panic!("{place}"));
                let text = text.strip_prefix(' ').unwrap_or(text);
                let other = &mut parties[1 - side];
                assert!(other.refused.is_some() || other.is_between_frames(), "{place}: the other side has not finished");
                let refused = other.refused;
                let frame = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parties[side].line(text)));
                let Some(frame) = frame.unwrap_or_else(|_| panic!("{place}")) else { continue };
                frames += 1;
                check_body(&frame);
                if let Some(errors) = refused {
                    let error = frame.header(Name::Error).filter(|_| frame.kind() == Kind::Error);
                    assert!(error.is_some_and(|error| errors.contains(&error)), "{place}: {error:?}, not {errors:?}");
                }
            }
            for party in &parties {
                assert!(party.refused.is_some() || party.is_between_frames(), "line {first}: half a frame");
            }
        }
        assert!(frames >= 144, "{frames} frames");
    }
}
