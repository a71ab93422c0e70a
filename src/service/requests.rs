//! The checks that every user request passes, and which rule answers it (SPEC §5).

use super::Service;
use super::effect::ConnectionKey;
use super::locate::Place;
use super::sessions::Asker;
use super::users::User;
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::{Address, Answer, ErrorKind, Fault, Now, UserCall, UserRequest, media_type};
use crate::wire::{Frame, Name};

impl Service {
    /// Checks a request and hands it on to its Target's record.
    pub(super) fn check_request(&mut self, now: Now, connection: ConnectionKey, frame: Frame) {
        let Some(asker) = self.ask(now, connection, frame) else { return };
        let request = match UserRequest::parse_from(&asker.frame, &asker.session.user) {
            Ok(request) => request,
            Err(Fault::UnknownMethod) => return self.refuse_with(&asker, ErrorKind::OperationNotSupported),
            Err(fault) => return self.refuse(&asker, &Answer::new(ErrorKind::MalformedRequest).because(fault.to_string())),
        };
        // SPEC §5: octet for octet, so that nobody downstream has to canonicalise From to know who it was.
        if asker.frame.header(Name::From) != Some(asker.session.user.as_str()) || request.connection != asker.session.id {
            let kind = if self.speaks_for_another(&asker) {
                ErrorKind::DomainAuthenticationRequired
            } else {
                ErrorKind::PermissionDenied
            };
            return self.refuse_with(&asker, kind);
        }
        // Only servers tell of presence.
        if matches!(request.call, UserCall::ChangeNotify { .. } | UserCall::TerminateSubscription { .. }) {
            return self.refuse_with(&asker, ErrorKind::PermissionDenied);
        }
        if !self.offers(&asker.session.user, &request.target, &request.call) {
            return self.refuse_with(&asker, ErrorKind::OperationNotSupported);
        }
        if !is_of_its_type(&request.call, asker.frame.header(Name::ContentType)) {
            return self.refuse_with(&asker, ErrorKind::MimeTypeNotUnderstood);
        }
        match self.locate(&request.target) {
            Place::User(address) => self.enter_request(now, &address, asker, request),
            Place::NoUser(address) => self.enter_nobody(now, &address, asker, request),
            Place::Domain | Place::Nowhere => self.refuse_with(&asker, ErrorKind::TargetUnknown),
            Place::Elsewhere => self.forward(now, asker, &request),
        }
    }

    /// Whether those of the two who are served here have the service that a method belongs to (SPEC §5.1).
    pub(super) fn offers(&self, asker: &Address, target: &Address, call: &UserCall) -> bool {
        let offered = |domain| self.config.domains.get(domain).is_none_or(|rules| rules.services.offer(call));
        let (own, other) = (asker.domain_str(), target.domain_str());
        offered(own) && (own == other || offered(other))
    }

    /// Whether somebody without a name here asks as a user of another domain, for whom only that domain's server may ask
    /// (SPEC §9.6).
    fn speaks_for_another(&self, asker: &Asker) -> bool {
        let from = asker.frame.header(Name::From).and_then(|text| Address::parse_url(text).ok());
        let foreign = from.is_some_and(|from| !self.serves(&from) && from.domain_str() != ANONYMOUS_DOMAIN);
        foreign && self.sessions.get(&asker.session).is_some_and(|session| session.anonymous)
    }

    /// The record of the Target is there, and it is this request's turn.
    pub(super) fn perform_request(&mut self, now: Now, asker: Asker, request: UserRequest, target: &Address) {
        if asker.is_administrator() && self.users.get(target).is_none_or(|user| user.account.is_none()) {
            return self.refuse_with(&asker, ErrorKind::TargetUnknown);
        }
        match request.call {
            UserCall::Fetch => self.fetch(now, &asker, target),
            UserCall::Subscribe { lease } => self.subscribe(now, &asker, target, lease),
            UserCall::Unsubscribe => self.unsubscribe(now, &asker, target),
            UserCall::Send { message_id, wanted } => self.send(now, asker, target, request.id, &message_id, wanted),
            UserCall::Change { lease, if_version, view } => self.change(now, asker, target, lease, if_version, view),
            UserCall::GetAcl => self.read_rules(&asker, target),
            UserCall::SetAcl { if_version } => self.set_rules(now, asker, target, if_version),
            UserCall::GetWatchers => self.list_watchers(now, &asker, target),
            UserCall::ChangeNotify { .. } | UserCall::TerminateSubscription { .. } => {
                self.refuse_with(&asker, ErrorKind::PermissionDenied);
            }
        }
    }

    /// The ERROR that somebody who is allowed to ask for presence gets from a Target that has none; `None` if it has.
    pub(super) fn presence_absence(&self, target: &Address) -> Option<Answer> {
        let user = self.users.get(target).map(Box::as_ref);
        let offered = user.and_then(|user| user.account.as_ref()).is_none_or(|account| account.presence);
        absence(user).or_else(|| (!offered).then(|| Answer::new(ErrorKind::TargetUnknown)))
    }
}

/// The ERROR that somebody who is allowed to ask gets from a Target that is not there; `None` if it is.
pub(super) fn absence(user: Option<&User>) -> Option<Answer> {
    let account = user.and_then(|user| user.account.as_ref());
    let Some(account) = account else { return Some(Answer::new(ErrorKind::TargetUnknown)) };
    let moved = account.moved.as_ref()?;
    let kind = if moved.permanently { ErrorKind::PermanentlyForwarded } else { ErrorKind::TemporarilyForwarded };
    Some(Answer::new(kind).with(Name::Location, moved.to.as_str()))
}

/// Whether the body is of a type that the method takes. It says nothing about the Target, and so comes first (SPEC §5.1).
pub(super) fn is_of_its_type(call: &UserCall, content_type: Option<&str>) -> bool {
    let taken: &[&str] = match call {
        UserCall::Send { .. } => &[media_type::RFC822, media_type::GLOBAL],
        UserCall::SetAcl { .. } => &[media_type::ACL],
        _ => return true,
    };
    content_type.is_some_and(|found| taken.iter().any(|wanted| media_type::is(found, wanted)))
}
