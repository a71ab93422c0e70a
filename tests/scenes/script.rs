//! The language of the scenes; tests/scenes/README.md describes it.

use crate::world::{Client, DOMAIN, Words, World, address, note, parse, said};
use impp::model::acl::{Acl, Action, Op, Rule, Who};
use impp::model::presence::{Presence, Status};
use impp::model::{Address, Answer, ConnectionId, Domain, ErrorKind, LeaseBounds, Services, Token, Version, media_type};
use impp::service::store::{Account, Moved, StoredAcl, StoredMessage};
use impp::service::{Closed, ConnectionKey, DomainRules, LinkOpening, Rate, Route};
use impp::wire::{Name, Writer};
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

pub(crate) struct Script {
    pub(crate) world: World,
    /// Versions that the scene has given names to.
    labels: BTreeMap<String, u64>,
    requests: u64,
}

type Outcome = Result<(), String>;

pub(crate) fn run(text: &str) -> Outcome {
    let mut script = Script { world: World::new(), labels: BTreeMap::new(), requests: 0 };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        note(format!("{:>4}: {line}", number + 1));
        if let Err(error) = script.line(line) {
            return Err(format!("line {}: {line}\n      {error}", number + 1));
        }
    }
    script.end()
}

impl Script {
    fn line(&mut self, line: &str) -> Outcome {
        // Whom it concerns says at which relay.
        let (at, line) = match line.strip_prefix("at ").and_then(|rest| rest.split_once(": ")) {
            Some((domain, rest)) => (self.world.relay_of(domain), rest),
            None => (0, line),
        };
        self.world.at = at;
        let (action, expected) = match line.split_once(" -> ") {
            Some((action, expected)) => (action, Some(split(expected))),
            None => (line, None),
        };
        if let Some((name, rest)) = action.split_once(": ").filter(|(name, _)| self.world.clients.contains_key(*name)) {
            self.ask(name, rest)?;
            return expected.map_or(Ok(()), |expected| self.expect(name, &expected));
        }
        let words = split(action);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["users", names @ ..] => {
                for name in names {
                    self.speak_of(&address(name));
                    self.world.store.accounts.insert(address(name), Account::default());
                }
                Ok(())
            }
            ["relay", name] => {
                self.world.add_relay(name);
                Ok(())
            }
            ["links", "are", "cut"] => {
                self.world.cut_links();
                Ok(())
            }
            ["links", "hold"] => {
                self.world.hold_links = true;
                Ok(())
            }
            ["links", "pass", number] => {
                self.world.deliver(number.parse().map_err(|_| "a number")?);
                Ok(())
            }
            ["links", "go", "on"] => {
                self.world.hold_links = false;
                self.world.run();
                Ok(())
            }
            ["links", "asked", "for", number] => {
                let asked = std::mem::take(&mut self.world.dials);
                if asked.to_string() == *number { Ok(()) } else { Err(format!("asked for {asked}")) }
            }
            [domain, "is", "unreachable"] => {
                self.world.unreachable.insert((*domain).to_owned());
                Ok(())
            }
            [domain, "is", "reachable"] => {
                self.world.unreachable.remove(*domain);
                Ok(())
            }
            [name, "links", "as", theirs, "to", ours, how @ ..] => {
                self.link(name, theirs, ours, how)?;
                self.expect(name, &expected.unwrap_or_else(|| vec!["new".to_owned()]))
            }
            ["domain", name] => {
                let domain = Domain::parse(name).map_err(|error| error.to_string())?;
                self.world.config.domains.insert(domain, DomainRules::default());
                self.world.reconfigure();
                Ok(())
            }
            ["no", "domain", name] => {
                self.world.config.domains.remove(&Domain::parse(name).map_err(|error| error.to_string())?);
                self.world.reconfigure();
                Ok(())
            }
            ["limit", what, value] => self.limit(what, value),
            ["mailbox", "of", user, "holds", texts @ ..] => self.mailbox(user, texts),
            ["default", "rules", rules @ ..] => {
                let acl = rules_of(rules)?;
                self.rules_of_domain(|rules| rules.default_acl = acl)
            }
            ["kick", name] => self.kick(name, None),
            ["kick", name, "session", session] => self.kick(name, ConnectionId::parse(session)),
            ["drop", text, "of", name] => self.drop_message(text, name),
            ["account", name, what @ ..] => self.account(name, what),
            ["rules", "of", name, rules @ ..] => {
                let acl = rules_of(rules)?;
                self.speak_of(&address(name));
                let stored = StoredAcl { version: Version(7), body: acl.to_xml(), concealed: vec![None; acl.rules.len()] };
                self.world.store.acls.insert(address(name), stored);
                self.world.changed_outside();
                Ok(())
            }
            [name, "connects", how @ ..] => {
                self.connect(name, how)?;
                self.expect(name, &expected.unwrap_or_else(|| vec!["new".to_owned()]))
            }
            [name, "gets", expected @ ..] => self.expect(name, &expected.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()),
            ["nothing", "for", name] => self.barrier(name),
            [name, "answers", "by", "hand"] => {
                self.client(name)?.by_hand = true;
                Ok(())
            }
            [name, "answers", "at", "once"] => {
                self.client(name)?.by_hand = false;
                self.world.run();
                Ok(())
            }
            [name, "answers", how @ ..] => self.answer(name, how),
            [name, "is", "lost"] => {
                self.client(name)?;
                self.world.disconnect(name, Closed::Lost);
                Ok(())
            }
            [name, "says", "BYE"] => {
                self.client(name)?;
                self.world.disconnect(name, Closed::Bye);
                Ok(())
            }
            ["after", time] => {
                let time = duration(time)?;
                self.world.pass(time);
                Ok(())
            }
            ["store", "holds", what] => {
                self.world.hold_reads |= *what == "reads";
                self.world.hold_writes |= *what == "writes";
                Ok(())
            }
            ["store", "reads", "early"] => {
                while !self.world.reads.is_empty() {
                    self.world.read_early(0);
                }
                Ok(())
            }
            ["store", "writes"] => {
                while !self.world.writes.is_empty() {
                    self.world.write_next();
                    self.world.run();
                }
                Ok(())
            }
            ["store", "goes", "on"] => {
                while !self.world.brought.is_empty() {
                    self.world.hand_in(0);
                }
                self.world.hold_reads = false;
                self.world.hold_writes = false;
                self.world.run();
                Ok(())
            }
            ["store", how @ ("fails" | "works")] => {
                self.world.store.fails = *how == "fails";
                Ok(())
            }
            ["notice", expected @ ..] => {
                let notices = &mut self.world.notices;
                let found = notices.iter().position(|words| contains(words, expected));
                found.map(|at| drop(notices.remove(at))).ok_or_else(|| format!("among the notices: {notices:?}"))
            }
            ["the", "relay", "restarts"] => {
                self.world.restart();
                Ok(())
            }
            _ => Err("not a sentence that scenes know".to_owned()),
        }
    }

    /// The relay of this address is meant.
    fn speak_of(&mut self, address: &Address) {
        if self.world.at == 0 {
            self.world.at = self.world.relay_of(address.domain_str());
        }
    }

    /// The scene plays the server of another domain: `by hand`, `max-outstanding N`, `max-body N`.
    fn link(&mut self, name: &str, theirs: &str, ours: &str, how: &[&str]) -> Outcome {
        let domain = |text: &str| Domain::parse(text).map_err(|error| error.to_string());
        let route = Route { ours: domain(ours)?, theirs: domain(theirs)? };
        let (mut max_body, mut max_outstanding, mut by_hand) = (1 << 20, 64, false);
        for pair in how.chunks(2) {
            match pair {
                ["by", "hand"] => by_hand = true,
                ["max-body", octets] => max_body = octets.parse().map_err(|_| "a number")?,
                ["max-outstanding", number] => max_outstanding = number.parse().map_err(|_| "a number")?,
                _ => return Err(format!("what is {pair:?}?")),
            }
        }
        let client = Client {
            key: ConnectionKey(0),
            relay: self.world.relay_of(ours),
            link: true,
            identity: Address::of_domain(&route.theirs),
            session: ConnectionId::server(),
            open: false,
            by_hand,
            max_body,
            max_outstanding,
            inbox: VecDeque::new(),
            unanswered: Vec::new(),
            arrived: BTreeMap::new(),
        };
        let opening = LinkOpening { route, dialled: false, max_body, max_outstanding };
        self.world.link(name, client, opening);
        Ok(())
    }

    fn client(&mut self, name: &str) -> Result<&mut Client, String> {
        self.world.clients.get_mut(name).ok_or_else(|| format!("there is no {name}"))
    }

    fn limit(&mut self, what: &str, value: &str) -> Outcome {
        let number = || value.parse::<u64>().map_err(|error| format!("{value}: {error}"));
        let size = || number().map(|number| number as usize);
        let config = &mut self.world.config;
        match what {
            "outstanding" => config.outstanding = number()? as u32,
            "outstanding-octets" => config.outstanding_octets = number()?,
            "memory" => config.memory_octets = number()?,
            "unacknowledged" => config.unacknowledged_octets = number()?,
            // So many at once; after that one a second.
            "requests-at-once" => config.requests = Rate { per_second: 1, burst: number()? as u32 },
            "messages-at-once" => config.messages = Rate { per_second: 1, burst: number()? as u32 },
            "links" => config.links.enabled = value == "on",
            "links-of-one" => config.links.connections = size()?,
            "link-outstanding" => config.links.outstanding = number()? as u32,
            "link-requests" => config.links.requests_per_second = number()? as u32,
            "link-subscriptions" => config.links.subscriptions = size()?,
            "subscriptions" => config.subscriptions_per_session = size()?,
            "subscribers" => config.subscribers_per_user = size()?,
            "sessions" => config.sessions_per_user = size()?,
            "views" => config.views_per_user = size()?,
            "rules" => config.acl_rules = size()?,
            "repeats" => config.repeats = size()?,
            "cached" => config.cached_users = size()?,
            "remembered" => config.remembered_max = size()?,
            "presence" => config.presence_octets = size()?,
            "messages" => self.rules_of_domain(|rules| rules.mailbox.max_messages = value.parse().unwrap_or(0))?,
            "octets" => self.rules_of_domain(|rules| rules.mailbox.max_octets = value.parse().unwrap_or(0))?,
            "age" => {
                let age = duration(value)?;
                self.rules_of_domain(|rules| rules.mailbox.max_age = age)?;
            }
            "patience" => {
                let patience = duration(value)?;
                self.rules_of_domain(|rules| rules.mailbox.delivery_timeout = patience)?;
            }
            "services" => self.rules_of_domain(|rules| rules.services = Services::parse(&value.replace(',', " ")))?,
            "mailbox" => self.rules_of_domain(|rules| rules.mailbox.enabled = value == "on")?,
            "lease" => {
                let bounds: Vec<_> = value.split("..").map(duration).collect::<Result<_, _>>()?;
                let [min, default, max] = bounds[..] else { return Err("MIN..DEFAULT..MAX".to_owned()) };
                self.rules_of_domain(|rules| rules.lease = LeaseBounds { min, max, default })?;
            }
            _ => return Err(format!("no limit {what}")),
        }
        self.world.reconfigure();
        Ok(())
    }

    fn rules_of_domain(&mut self, change: impl FnOnce(&mut DomainRules)) -> Outcome {
        self.world.config.domains.values_mut().next().map(change).ok_or("no such domain")?;
        self.world.reconfigure();
        Ok(())
    }

    fn account(&mut self, name: &str, what: &[&str]) -> Outcome {
        let address_of = address(name);
        self.speak_of(&address_of);
        let account = self.world.store.accounts.entry(address_of.clone()).or_default();
        match what {
            ["gone"] => {
                self.world.store.accounts.remove(&address_of);
                self.world.store.acls.remove(&address_of);
                self.world.store.presence.remove(&address_of);
                self.world.store.mail.remove(&address_of);
            }
            ["disabled"] => account.disabled = true,
            ["enabled"] => account.disabled = false,
            ["without", "presence"] => account.presence = false,
            ["without", "inbox"] => account.inbox = false,
            ["moved", how, to] => account.moved = Some(Moved { to: address(to), permanently: *how == "permanently" }),
            _ => return Err("what about the account?".to_owned()),
        }
        self.world.changed_outside();
        Ok(())
    }

    fn kick(&mut self, name: &str, session: Option<ConnectionId>) -> Outcome {
        self.speak_of(&address(name));
        match self.world.kick(&address(name), session) {
            0 => Err("there is no such session".to_owned()),
            _ => Ok(()),
        }
    }

    fn drop_message(&mut self, text: &str, name: &str) -> Outcome {
        self.speak_of(&address(name));
        let waiting = self.world.store.mail.get(&address(name)).into_iter().flat_map(BTreeMap::values);
        let of = |message: &&StoredMessage| {
            format!("\"{}\"", String::from_utf8_lossy(said(parse(&message.frame).body().unwrap_or_default())))
        };
        let found =
            waiting.map(|message| (of(&message), message.number, message.frame.len() as u64)).find(|(said, ..)| said == text);
        let (_, number, octets) = found.ok_or("no such message waits")?;
        self.world.drop_message(&address(name), number, octets);
        Ok(())
    }

    fn mailbox(&mut self, user: &str, texts: &[&str]) -> Outcome {
        self.speak_of(&address(user));
        let mail = self.world.store.mail.get(&address(user));
        let found: Vec<String> = mail
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|message| format!("\"{}\"", String::from_utf8_lossy(said(parse(&message.frame).body().unwrap_or_default()))))
            .collect();
        let texts: &[&str] = if texts == ["nothing"] { &[] } else { texts };
        if found == texts { Ok(()) } else { Err(format!("it holds {found:?}")) }
    }

    /// `as USER`, `anonymously`, then any of: `session S`, `taking messages`, `inbox U`, `max-body N`, `max-outstanding N`, `by hand`.
    fn connect(&mut self, name: &str, how: &[&str]) -> Outcome {
        let mut how = how.iter();
        let mut identity = Address::parse(&format!("{name}@anonymous.invalid")).map_err(|error| error.to_string())?;
        let (mut session, mut messages, mut inbox, mut by_hand) = (name, false, None, false);
        let (mut max_body, mut max_outstanding) = (1_048_576, 64);
        while let Some(word) = how.next() {
            let mut next = || how.next().copied().ok_or("something is missing");
            match *word {
                "anonymously" => {}
                "as" => identity = address(next()?),
                "session" => session = next()?,
                "taking" => messages = next()? == "messages",
                "inbox" => inbox = Some(address(next()?)),
                "max-body" => max_body = next()?.parse().map_err(|_| "a number")?,
                "max-outstanding" => max_outstanding = next()?.parse().map_err(|_| "a number")?,
                "by" => by_hand = next()? == "hand",
                _ => return Err(format!("what is {word}?")),
            }
        }
        let session = ConnectionId::parse(session).ok_or("not a session")?;
        let client = Client {
            key: ConnectionKey(0),
            relay: if self.world.at > 0 { self.world.at } else { self.world.relay_of(identity.domain_str()) },
            link: false,
            identity,
            session,
            open: false,
            by_hand,
            max_body,
            max_outstanding,
            inbox: VecDeque::new(),
            unanswered: Vec::new(),
            arrived: BTreeMap::new(),
        };
        self.world.connect(name, client, |opening| impp::service::Opening { accepts_messages: messages, inbox, ..opening });
        Ok(())
    }

    /// Sends a request.
    fn ask(&mut self, name: &str, what: &str) -> Outcome {
        let client = &self.world.clients[name];
        let (from, session) = (client.identity.clone(), client.session);
        self.requests += 1;
        let id = format!("r{}", self.requests);
        if let Some(raw) = what.strip_prefix("RAW ") {
            return self.raw(name, raw, &id);
        }
        let words = split(what);
        let mut words = words.iter().map(String::as_str);
        let method = words.next().unwrap_or_default();
        let target = address(words.next().ok_or("whom?")?);
        let mut head: Vec<(Name, String)> = Vec::new();
        let mut body: Option<(String, Vec<u8>)> = None;
        let mut id = id;
        let mut rules = Vec::new();
        let mut presence = Presence::closed();
        let mut message = None;
        let (mut size, mut padding) = (0, 0);
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or("something is missing");
            match word {
                "for" if method == "CHANGE" || method == "SUBSCRIBE" => head.push((Name::LeaseTime, lease(next()?)?)),
                "wanted" => {
                    let _ = next()?; // for
                    head.push((Name::LeaseTime, lease(next()?)?));
                }
                "forever" => head.push((Name::LeaseTime, "infinity".to_owned())),
                "nothing" => head.push((Name::LeaseTime, "0".to_owned())),
                "view" => head.push((Name::View, next()?.to_owned())),
                "if" => {
                    let label = next()?;
                    let version = label.parse().ok().or_else(|| self.labels.get(label).copied()).ok_or("no such version")?;
                    head.push((Name::IfVersion, version.to_string()));
                }
                "request" => id = next()?.to_owned(),
                "id" => head.push((Name::MessageId, format!("<{}>", next()?))),
                "entity" => presence.entity = Some(address(next()?)),
                "pad-type" => padding = next()?.parse().map_err(|_| "a number")?,
                "octets" => size = next()?.parse().map_err(|_| "a number")?,
                "type" => {
                    let content_type = next()?.to_owned();
                    let text = unquote(next()?).replace("\\n", "\n");
                    body = Some((content_type, text.into_bytes()));
                }
                "open" | "closed" if method == "CHANGE" => {
                    presence.status = Status::parse(word).unwrap_or_default();
                    body = Some((media_type::PRESENCE.to_owned(), Vec::new()));
                }
                text if text.starts_with('"') && method == "CHANGE" => presence.note = Some(unquote(text)),
                text if text.starts_with('"') && method == "SEND" => message = Some(unquote(text)),
                rule if method == "SET-ACL" => rules.push(rule.to_owned()),
                other => return Err(format!("what is {other}?")),
            }
        }
        if method == "SEND" && !head.iter().any(|(name, _)| *name == Name::MessageId) {
            head.push((Name::MessageId, format!("<{}@{DOMAIN}>", self.requests)));
        }
        if let Some(text) = message {
            let mail = format!("From: {}\r\nSubject: x\r\n\r\n{text}", from.to_email());
            let filler = "~".repeat(usize::saturating_sub(size, mail.len()));
            let content_type = body.map_or_else(|| media_type::RFC822.to_owned(), |(content_type, _)| content_type);
            body = Some((content_type, format!("{mail}{filler}").into_bytes()));
        }
        if let Some((content_type, octets)) = body.as_mut().filter(|(_, octets)| octets.is_empty() && method == "CHANGE") {
            *octets = presence.to_xml().to_vec();
            if size > 0 {
                *content_type = "application/octet-stream".to_owned();
                *octets = vec![b'x'; size];
            }
        }
        if method == "SET-ACL" && body.is_none() {
            let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
            body = Some((media_type::ACL.to_owned(), rules_of(&rules)?.to_xml().to_vec()));
        }
        let mut writer = Writer::request(method, &id)
            .header(Name::From, from.as_str())
            .header(Name::ConnectionId, session.as_str())
            .header(Name::Target, target.as_str());
        for (header, value) in head {
            writer = writer.header(header, &value);
        }
        let octets = match body {
            Some((content_type, body)) if padding > 0 => {
                writer.finish_with(&format!("{content_type}; x={}", "a".repeat(padding)), &body)
            }
            Some((content_type, body)) => writer.finish_with(&content_type, &body),
            None => writer.finish(),
        };
        self.world.request(name, parse(&octets));
        Ok(())
    }

    /// `START LINE | Header: value | .. | body TEXT`, without version; without request-id one is made up.
    fn raw(&mut self, name: &str, raw: &str, id: &str) -> Outcome {
        let mut parts = raw.split(" | ");
        let start = parts.next().unwrap_or_default();
        let response = start.starts_with("OK") || start.starts_with("ERROR");
        let start = if start.split(' ').count() == 1 { format!("{start} {id}") } else { start.to_owned() };
        let mut text = format!("{start} impp/1.0\r\n");
        let mut body = String::new();
        for part in parts {
            match part.strip_prefix("body ") {
                Some(said) => body = said.to_owned(),
                None => text.push_str(&format!("{part}\r\n")),
            }
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let frame = parse(format!("{text}\r\n{body}").as_bytes());
        if response {
            self.world.response(name, frame);
        } else {
            self.world.careless = true;
            self.world.request(name, frame);
        }
        Ok(())
    }

    /// `OK`, or `ERROR token [retry N] [max-body N]`; then perhaps `to WORDS`: which of several.
    fn answer(&mut self, name: &str, how: &[&str]) -> Outcome {
        let client = self.client(name)?;
        let (how, which) = match how.iter().position(|word| *word == "to") {
            Some(at) => (&how[..at], &how[at + 1..]),
            None => (how, &[][..]),
        };
        let number = client.unanswered.iter().position(|frame| contains(&crate::world::describe(frame), which));
        let number = number.ok_or("there is no such request to answer")?;
        let error = match how {
            ["OK"] => None,
            ["ERROR", kind, details @ ..] => {
                let mut answer = Answer::new(ErrorKind::parse(kind).ok_or("no such error")?);
                for pair in details.chunks(2) {
                    answer = match pair {
                        ["retry", seconds] => answer.retry_after(Duration::from_secs(seconds.parse().map_err(|_| "a number")?)),
                        ["max-body", octets] => answer.with(Name::MaxBody, *octets),
                        ["because", reason] => answer.because(unquote(reason)),
                        _ => return Err(format!("what is {pair:?}?")),
                    };
                }
                Some(answer)
            }
            _ => return Err("OK or ERROR".to_owned()),
        };
        self.world.answer(name, number, error);
        self.world.run();
        Ok(())
    }

    /// The next thing that the client got says these words, in this order.
    fn expect(&mut self, name: &str, expected: &[String]) -> Outcome {
        let got = self.client(name)?.inbox.pop_front().ok_or("nothing came")?;
        self.matches(&got, expected)
    }

    fn matches(&mut self, got: &Words, expected: &[String]) -> Outcome {
        let mut rest = got.iter();
        for word in expected {
            loop {
                let found = rest.next().ok_or_else(|| format!("no {word} in what came: {}", got.join(" ")))?;
                if self.word_matches(word, found) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Words are equal; `v:name` gives a version a name or is that version; `v>name` is newer; `v:7` is that number.
    fn word_matches(&mut self, word: &str, found: &str) -> bool {
        for kind in ["v", "acl"] {
            let version =
                |text: &str, sign: char| text.strip_prefix(kind).and_then(|rest| rest.strip_prefix(sign)).map(str::to_owned);
            let Some(number) = version(found, ':').and_then(|text| text.parse::<u64>().ok()) else { continue };
            if let Some(label) = version(word, '>') {
                return self.labels.get(&label).is_some_and(|known| number > *known);
            }
            if let Some(label) = version(word, ':') {
                return match label.parse::<u64>() {
                    Ok(literal) => literal == number,
                    Err(_) => *self.labels.entry(label).or_insert(number) == number,
                };
            }
        }
        word == found
    }

    /// Something answerable is the next thing to come, so nothing else had come before.
    fn barrier(&mut self, name: &str) -> Outcome {
        if !self.client(name)?.open {
            let inbox = &self.client(name)?.inbox;
            return if inbox.is_empty() { Ok(()) } else { Err(format!("but there came {inbox:?}")) };
        }
        let client = self.client(name)?;
        let raw = format!("RAW BARRIER | From: {} | Connection-ID: {}", client.identity, client.session);
        self.ask(name, &raw)?;
        self.expect(name, &split("ERROR BARRIER operation-not-supported"))
    }

    fn end(&mut self) -> Outcome {
        for (name, client) in &self.world.clients {
            if let Some(words) = client.inbox.front() {
                return Err(format!("at the end {name} has got something that the scene does not speak of: {}", words.join(" ")));
            }
        }
        if !self.world.asked.is_empty() && !self.world.hold_reads && !self.world.hold_writes {
            let open = |user: &Address, id: &ConnectionId| {
                self.world.clients.values().any(|client| client.open && client.identity == *user && client.session == *id)
            };
            let missing: Vec<_> = self.world.asked.iter().filter(|(user, id, _)| open(user, id)).collect();
            if !missing.is_empty() {
                return Err(format!("at the end these have no answer: {missing:?}"));
            }
        }
        Ok(())
    }
}

fn contains(words: &[String], expected: &[&str]) -> bool {
    let mut rest = words.iter();
    expected.iter().all(|word| rest.any(|found| found == word))
}

/// Words; what stands in quotes is one.
fn split(text: &str) -> Words {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        if c == ' ' && !quoted {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        } else {
            word.push(c);
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn unquote(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| format!("{text} is no time"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        "d" => Ok(Duration::from_secs(number * 86_400)),
        _ => Err(format!("{text} is no time")),
    }
}

fn lease(text: &str) -> Result<String, String> {
    duration(text).map(|time| time.as_secs().to_string())
}

/// `WHO OP,OP ACTION [view=V]`, separated by `;`.
pub(crate) fn rules_of(words: &[&str]) -> Result<Acl, String> {
    let mut rules = Vec::new();
    for words in words.split(|word| *word == ";").filter(|words| !words.is_empty()) {
        let [who, ops, action, view @ ..] = words else { return Err(format!("{words:?} is no rule")) };
        let who = Who::parse(who).unwrap_or_else(|| Who::User(address(who)));
        let ops = ops.split(',').map(Op::parse).collect::<Option<_>>().ok_or("no such op")?;
        let action = Action::parse(action).ok_or("no such action")?;
        let view = view.first().and_then(|view| view.strip_prefix("view=")).and_then(Token::parse);
        rules.push(Rule { who, ops, action, view });
    }
    Ok(Acl { rules })
}
