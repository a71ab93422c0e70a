//! Access rules: who may do what to whom, read so strictly that no rule widens by being misread (SPEC §7).

use super::address::{Address, Domain};
use super::id::Token;
use super::simple_xml::{Document, Element, XmlError};
use bytes::Bytes;
use core::fmt;

/// The domain of anonymous identities; nobody's home.
pub const ANONYMOUS_DOMAIN: &str = "anonymous.invalid";

/// An owner's rules in order.
///
/// *Shape:* `<acl><rule><who>*</who><op>send</op><action>deny</action></rule></acl>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// The first that matches decides.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For whom.
    pub who: Who,
    /// For what; never empty, each once.
    pub ops: Vec<Op>,
    /// What happens.
    pub action: Action,
    /// Which value they see; only with `allow` for fetch or subscribe.
    pub view: Option<Token>,
}

/// Whom a rule concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// One user.
    User(Address),
    /// `impp://DOMAIN/*`: all users of a domain.
    Domain(Domain),
    /// `local`: the users of the owner's domain.
    Local,
    /// `*`: anyone authenticated.
    Anyone,
    /// `anonymous`: those who are not.
    Anonymous,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// See presence once.
    Fetch,
    /// Be told of presence.
    Subscribe,
    /// Send instant messages.
    Send,
    /// Publish presence for the owner; users of the owner's domain only.
    Change,
    /// Take the owner's messages; users of the owner's domain only.
    Read,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Yes.
    Allow,
    /// permission-denied.
    Deny,
    /// Polite blocking.
    Conceal,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watcher<'a> {
    /// The sender of the request.
    pub address: &'a Address,
    /// Logged in as nobody.
    pub anonymous: bool,
    /// Of the owner's domain.
    pub local: bool,
}

impl<'a> Watcher<'a> {
    /// How `address` stands to `owner`.
    #[must_use]
    pub fn new(address: &'a Address, owner: &Address) -> Self {
        let domain = address.domain_str();
        let anonymous = domain == ANONYMOUS_DOMAIN;
        Self { address, anonymous, local: !anonymous && domain == owner.domain_str() }
    }
}

/// Why octets are no ACL. All are answered mime-type-not-understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclError {
    /// Not Simple XML.
    Xml(XmlError),
    /// Another root than `acl`, or something other than rules in it.
    Root,
    /// A rule with an unknown, repeated, missing or nested element. Rules count from 0.
    Rule(usize),
    /// A `who` that is none.
    Who(usize),
    /// An `op` that is none.
    Op(usize),
    /// An `action` that is none, or `conceal` for change or read.
    Action(usize),
    /// A `view` that is no token, or on a rule that shows nothing.
    View(usize),
}

impl fmt::Display for AclError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, what) = match self {
            Self::Xml(error) => return write!(f, "not simple XML: {error}"),
            Self::Root => return f.write_str("not an <acl> of rules"),
            Self::Rule(rule) => (rule, "needs one <who>, an <op> or more, and one <action>, and may have a <view>"),
            Self::Who(rule) => (rule, "<who> must be a user's URL, impp://DOMAIN/*, local, * or anonymous"),
            Self::Op(rule) => (rule, "<op> must be fetch, subscribe, send, change or read"),
            Self::Action(rule) => (rule, "<action> must be allow or deny, or, not with change or read, conceal"),
            Self::View(rule) => (rule, "<view> must be a word, with <action> allow and <op> fetch or subscribe"),
        };
        write!(f, "rule {}: {what}", rule + 1)
    }
}

impl std::error::Error for AclError {}

impl Acl {
    /// What a domain allows as shipped: local users may fetch, subscribe and send, other domains may send,
    /// the anonymous nothing.
    #[must_use]
    pub fn shipped_default() -> Self {
        let allow = |who, ops: &[Op]| Rule { who, ops: ops.to_vec(), action: Action::Allow, view: None };
        Self { rules: vec![allow(Who::Local, &[Op::Fetch, Op::Subscribe, Op::Send]), allow(Who::Anyone, &[Op::Send])] }
    }

    /// Reads `application/impp-acl`.
    ///
    /// # Errors
    /// [`AclError`]
    pub fn parse(octets: &[u8]) -> Result<Self, AclError> {
        let root = Document::parse(octets).map_err(AclError::Xml)?.root;
        if root.name != "acl" || !root.text.trim().is_empty() || root.children.iter().any(|child| child.name != "rule") {
            return Err(AclError::Root);
        }
        let rules = root.children.iter().enumerate().map(|(number, rule)| Rule::from_element(number, rule));
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// Writes `application/impp-acl`.
    #[must_use]
    pub fn to_xml(&self) -> Bytes {
        Element::parent("acl", self.rules.iter().map(Rule::to_element).collect()).to_xml().into()
    }

    /// The number of the first rule that speaks of this watcher and op; `None`: the rules are silent.
    ///
    /// No rule gives `change` or `read` to anyone outside the owner's domain.
    #[must_use]
    pub fn first_match(&self, watcher: &Watcher<'_>, op: Op) -> Option<usize> {
        if op.is_local_only() && !watcher.local {
            return None;
        }
        self.rules.iter().position(|rule| rule.ops.contains(&op) && rule.who.matches(watcher))
    }

    /// The first rule that speaks of this watcher and op.
    #[must_use]
    pub fn decide(&self, watcher: &Watcher<'_>, op: Op) -> Option<&Rule> {
        self.first_match(watcher, op).and_then(|number| self.rules.get(number))
    }
}

impl Rule {
    fn from_element(number: usize, element: &Element) -> Result<Self, AclError> {
        let malformed = AclError::Rule(number);
        let (mut who, mut action, mut view) = (None, None, None);
        let mut ops = Vec::new();
        for part in &element.children {
            let text = part.text.as_str();
            let repeated = match part.name.as_str() {
                _ if !part.is_leaf() => return Err(malformed),
                "who" => who.replace(Who::parse(text).ok_or(AclError::Who(number))?).is_some(),
                "action" => action.replace(Action::parse(text).ok_or(AclError::Action(number))?).is_some(),
                "view" => view.replace(Token::parse(text).ok_or(AclError::View(number))?).is_some(),
                "op" => {
                    // Twice the same op says nothing new; the list keeps each once.
                    let op = Op::parse(text).ok_or(AclError::Op(number))?;
                    if !ops.contains(&op) {
                        ops.push(op);
                    }
                    false
                }
                _ => return Err(malformed),
            };
            if repeated {
                return Err(malformed);
            }
        }
        let (Some(who), Some(action), false) = (who, action, ops.is_empty()) else { return Err(malformed) };
        // Nobody who could change or read could be deceived.
        if action == Action::Conceal && ops.iter().any(|op| op.is_local_only()) {
            return Err(AclError::Action(number));
        }
        let shows = action == Action::Allow && ops.iter().any(|op| matches!(op, Op::Fetch | Op::Subscribe));
        if view.is_some() && !shows {
            return Err(AclError::View(number));
        }
        Ok(Self { who, ops, action, view })
    }

    fn to_element(&self) -> Element {
        let mut parts = vec![Element::leaf("who", &self.who.to_string())];
        parts.extend(self.ops.iter().map(|op| Element::leaf("op", op.as_str())));
        parts.push(Element::leaf("action", self.action.as_str()));
        parts.extend(self.view.iter().map(|view| Element::leaf("view", view.as_str())));
        Element::parent("rule", parts)
    }
}

impl Who {
    /// Reads the text of a `who`. Users are written as URLs only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "local" => return Some(Self::Local),
            "*" => return Some(Self::Anyone),
            "anonymous" => return Some(Self::Anonymous),
            _ => {}
        }
        if let Some(url) = text.strip_suffix("/*") {
            let domain = Address::parse_url(&format!("{url}/")).ok().filter(Address::is_domain)?;
            return Some(Self::Domain(domain.domain()));
        }
        // `impp://DOMAIN/` is nobody who could ask; whoever writes it means all of the domain.
        Address::parse_url(text).ok().filter(|address| !address.is_domain()).map(Self::User)
    }

    /// Whether this means the watcher. Only `anonymous` ever means an anonymous one.
    #[must_use]
    pub fn matches(&self, watcher: &Watcher<'_>) -> bool {
        if watcher.anonymous {
            return *self == Self::Anonymous;
        }
        match self {
            Self::Anyone => true,
            Self::Anonymous => false,
            Self::Local => watcher.local,
            Self::Domain(domain) => domain.as_str() == watcher.address.domain_str(),
            Self::User(user) => user == watcher.address || (watcher.local && is_same_local(user, watcher.address)),
        }
    }

    /// Whether this means everybody whom `other` means, in the rules of an owner in `home`.
    #[must_use]
    pub fn covers(&self, other: &Self, home: &Domain) -> bool {
        match (self, other) {
            (Self::Anonymous, _) | (_, Self::Anonymous) => self == other,
            (Self::Anyone, _) => true,
            (_, Self::Anyone) => false,
            (Self::Local, Self::Local) => true,
            (Self::Local, Self::Domain(domain)) | (Self::Domain(domain), Self::Local) => domain == home,
            (Self::Local, Self::User(user)) => user.domain_str() == home.as_str(),
            (Self::Domain(domain), Self::Domain(other)) => domain == other,
            (Self::Domain(domain), Self::User(user)) => user.domain_str() == domain.as_str(),
            (Self::User(user), Self::User(other)) => {
                user == other || (other.domain_str() == home.as_str() && same_canonical(user, other))
            }
            (Self::User(_), Self::Domain(_) | Self::Local) => false,
        }
    }
}

/// A domain's own users are known by their canonical form, however the rule spells them: a rule against
/// `Bob` must hold against `bob`.
fn is_same_local(written: &Address, canonical: &Address) -> bool {
    written.domain_str() == canonical.domain_str() && written.canonical_local().as_ref() == Some(canonical)
}

fn same_canonical(a: &Address, b: &Address) -> bool {
    a.domain_str() == b.domain_str() && a.canonical_local().is_some_and(|a| Some(a) == b.canonical_local())
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => f.write_str(user.as_str()),
            Self::Domain(domain) => write!(f, "impp://{domain}/*"),
            Self::Local => f.write_str("local"),
            Self::Anyone => f.write_str("*"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl Op {
    /// Every op.
    pub const ALL: [Self; 5] = [Self::Fetch, Self::Subscribe, Self::Send, Self::Change, Self::Read];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Subscribe => "subscribe",
            Self::Send => "send",
            Self::Change => "change",
            Self::Read => "read",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == text)
    }

    /// Whether only users of the owner's domain can be given it.
    #[must_use]
    pub const fn is_local_only(self) -> bool {
        matches!(self, Self::Change | Self::Read)
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Conceal];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Conceal => "conceal",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(parts: &str) -> Result<Acl, AclError> {
        Acl::parse(format!("<acl><rule>{parts}</rule></acl>").as_bytes())
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn rules_are_read_and_written() {
        let text = "<acl><rule><who>impp://example.net/bob</who><op>fetch</op><op>subscribe</op><op>send</op>\
            <action>allow</action><view>work</view></rule><rule><who>impp://example.com/*</who><op>send</op><action>deny</action></rule>\
            <rule><who>local</who><op>change</op><op>read</op><action>allow</action></rule>\
            <rule><who>*</who><op>fetch</op><action>conceal</action></rule>\
            <rule><who>anonymous</who><op>fetch</op><action>allow</action></rule></acl>";
        let acl = Acl::parse(text.as_bytes()).unwrap();
        assert_eq!(acl.rules.len(), 5);
        assert_eq!(acl.rules[0].view, Token::parse("work"));
        assert_eq!(acl.to_xml(), text);
        for empty in ["<acl/>", "<acl></acl>", "<acl>\r\n</acl>"] {
            assert_eq!(Acl::parse(empty.as_bytes()), Ok(Acl::default()));
        }
        let shuffled = rule("\n<action>allow</action> <op>send</op><who>local</who> ").unwrap();
        assert_eq!(shuffled, rule("<who>local</who><op>send</op><action>allow</action>").unwrap());
        let ampersand =
            Acl { rules: vec![Rule { who: Who::User(address("a&b@x")), ops: vec![Op::Send], action: Action::Deny, view: None }] };
        assert_eq!(Acl::parse(&ampersand.to_xml()), Ok(ampersand));
    }

    #[test]
    fn what_is_refused() {
        use AclError as E;
        let rows = [
            ("", E::Rule(0)),
            ("<who>*</who><op>send</op>", E::Rule(0)),
            ("<who>*</who><action>allow</action>", E::Rule(0)),
            ("<op>send</op><action>allow</action>", E::Rule(0)),
            ("<who>*</who><who>*</who><op>send</op><action>allow</action>", E::Rule(0)),
            ("<who>*</who><op>send</op><action>allow</action><action>deny</action>", E::Rule(0)),
            ("<who>*</who><op>send</op><action>allow</action><until>x</until>", E::Rule(0)),
            ("<who>*</who><op><send/></op><action>allow</action>", E::Rule(0)),
            ("<who>*</who><op>everything</op><action>allow</action>", E::Op(0)),
            ("<who>*</who><op>Send</op><action>allow</action>", E::Op(0)),
            ("<who>*</who><op/><action>allow</action>", E::Op(0)),
            ("<who>*</who><op>send</op><action>permit</action>", E::Action(0)),
            ("<who>*</who><op>send</op><action> allow</action>", E::Action(0)),
            ("<who>local</who><op>change</op><action>conceal</action>", E::Action(0)),
            ("<who>local</who><op>send</op><op>read</op><action>conceal</action>", E::Action(0)),
            ("<who/><op>send</op><action>allow</action>", E::Who(0)),
            ("<who>*</who><op>send</op><action>allow</action><view>work</view>", E::View(0)),
            ("<who>*</who><op>fetch</op><action>deny</action><view>work</view>", E::View(0)),
            ("<who>*</who><op>fetch</op><action>conceal</action><view>work</view>", E::View(0)),
            ("<who>*</who><op>fetch</op><action>allow</action><view>at work</view>", E::View(0)),
            ("<who>*</who><op>fetch</op><action>allow</action><view/>", E::View(0)),
        ];
        for (row, expected) in rows {
            assert_eq!(rule(row), Err(expected), "{row}");
        }
        let good = "<rule><who>*</who><op>send</op><action>deny</action></rule>";
        assert_eq!(Acl::parse(format!("<acl>{good}<rule/></acl>").as_bytes()), Err(E::Rule(1)));
        for root in ["<ACL/>", "<acl>deny</acl>", "<acl><default/></acl>", "<acl><rules/></acl>"] {
            assert_eq!(Acl::parse(root.as_bytes()), Err(E::Root), "{root}");
        }
        assert!(matches!(Acl::parse(b"<acl>"), Err(E::Xml(_))));
    }

    #[test]
    fn whom_a_text_means() {
        let domain = |text: &str| Some(Who::Domain(Domain::parse(text).unwrap()));
        let rows = [
            ("impp://example.org/*", domain("example.org")),
            ("IMPP://EXAMPLE.org/*", domain("example.org")),
            ("impp://localhost/*", domain("localhost")),
            ("impp://example.org/bob", Some(Who::User(address("bob@example.org")))),
            ("local", Some(Who::Local)),
            ("*", Some(Who::Anyone)),
            ("anonymous", Some(Who::Anonymous)),
            ("", None),
            ("Local", None),
            (" *", None),
            ("**", None),
            ("/*", None),
            ("*/*", None),
            ("impp:///*", None),
            ("impp://*/*", None),
            ("impp://example.org/", None),
            ("impp://example.org", None),
            ("impp://example.org/bob*/*", None),
            ("impp://*.example.org/*", None),
            ("impp://example.org/%2A", None),
            ("bob@example.org", None),
            ("example.org", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Who::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn who_is_meant_by_whom() {
        let owner = address("alice@example.org");
        let bob = address("bob@example.org");
        let umlaut = address("jürgen@example.org");
        let eve = address("Eve@example.net");
        let nobody = address("x7@anonymous.invalid");
        // Columns: bob and jürgen (local), Eve of another domain, an anonymous one.
        let rows = [
            ("*", [true, true, true, false]),
            ("local", [true, true, false, false]),
            ("anonymous", [false, false, false, true]),
            ("impp://example.org/*", [true, true, false, false]),
            ("impp://example.net/*", [false, false, true, false]),
            ("impp://anonymous.invalid/*", [false, false, false, false]),
            ("impp://anonymous.invalid/x7", [false, false, false, false]),
            ("impp://example.org/bob", [true, false, false, false]),
            ("impp://example.org/BOB", [true, false, false, false]),
            ("impp://example.org/J%C3%9CRGEN", [false, true, false, false]),
            ("impp://example.net/Eve", [false, false, true, false]),
            // Other domains' users compare octet by octet.
            ("impp://example.net/eve", [false, false, false, false]),
        ];
        for (who, expected) in rows {
            let who = Who::parse(who).unwrap();
            let meant = [&bob, &umlaut, &eve, &nobody].map(|address| who.matches(&Watcher::new(address, &owner)));
            assert_eq!(meant, expected, "{who}");
        }
    }

    #[test]
    fn the_first_rule_that_speaks_decides() {
        let acl = Acl::parse(
            b"<acl><rule><who>impp://example.org/bob</who><op>send</op><action>deny</action></rule>\
              <rule><who>local</who><op>send</op><op>fetch</op><action>allow</action></rule>\
              <rule><who>*</who><op>change</op><op>send</op><action>deny</action></rule></acl>",
        )
        .unwrap();
        let owner = address("alice@example.org");
        let (bob, ann, eve) = (address("bob@example.org"), address("ann@example.org"), address("eve@example.net"));
        let rows = [
            (&bob, Op::Send, Some(0)),
            (&bob, Op::Fetch, Some(1)),
            (&bob, Op::Subscribe, None),
            (&ann, Op::Send, Some(1)),
            (&eve, Op::Send, Some(2)),
            (&eve, Op::Fetch, None),
            (&ann, Op::Change, Some(2)),
            (&eve, Op::Change, None),
            (&ann, Op::Read, None),
        ];
        for (who, op, expected) in rows {
            let watcher = Watcher::new(who, &owner);
            assert_eq!(acl.first_match(&watcher, op), expected, "{who} {op}");
            assert_eq!(acl.decide(&watcher, op), expected.and_then(|number| acl.rules.get(number)));
        }
    }

    #[test]
    fn what_is_allowed_as_shipped() {
        let acl = Acl::shipped_default();
        let owner = address("alice@example.org");
        let rows = [
            ("bob@example.org", [true, true, true, false, false]),
            ("eve@example.net", [false, false, true, false, false]),
            ("x7@anonymous.invalid", [false; 5]),
        ];
        for (who, expected) in rows {
            let who = address(who);
            let watcher = Watcher::new(&who, &owner);
            let allowed = Op::ALL.map(|op| acl.decide(&watcher, op).is_some_and(|rule| rule.action == Action::Allow));
            assert_eq!(allowed, expected, "{who}");
        }
        assert_eq!(Acl::parse(&acl.to_xml()), Ok(acl));
    }

    #[test]
    fn who_covers_whom() {
        let home = Domain::parse("example.org").unwrap();
        let all = [
            "*",
            "local",
            "anonymous",
            "impp://example.org/*",
            "impp://example.net/*",
            "impp://example.org/bob",
            "impp://example.org/BOB",
            "impp://example.net/eve",
            "impp://example.net/EVE",
        ];
        let covered = [
            ("*", vec![0, 1, 3, 4, 5, 6, 7, 8]),
            ("local", vec![1, 3, 5, 6]),
            ("anonymous", vec![2]),
            ("impp://example.org/*", vec![1, 3, 5, 6]),
            ("impp://example.net/*", vec![4, 7, 8]),
            ("impp://example.org/bob", vec![5, 6]),
            ("impp://example.org/BOB", vec![5, 6]),
            ("impp://example.net/eve", vec![7]),
        ];
        for (who, expected) in covered {
            let who = Who::parse(who).unwrap();
            let found: Vec<usize> =
                (0..all.len()).filter(|&number| who.covers(&Who::parse(all[number]).unwrap(), &home)).collect();
            assert_eq!(found, expected, "{who}");
        }
    }
}
