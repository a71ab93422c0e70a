//! Requests of other domains: what a link may ask, and for whom (SPEC §9.2).

use super::Service;
use super::abroad::is_too_long;
use super::effect::{ConnectionKey, Effect, Route};
use super::limit::Limit;
use super::locate::Place;
use super::requests::is_of_its_type;
use super::sessions::{Asker, SessionKey};
use crate::model::response::error_to;
use crate::model::{Address, Answer, ConnectionId, ErrorKind, Fault, Now, UserCall, UserRequest};
use crate::wire::{Frame, Name};

impl Service {
    /// Checks a request that came by a link, and hands it on to its Target's record.
    pub(super) fn link_request(&mut self, now: Now, connection: ConnectionKey, frame: Frame) {
        let Some(link) = self.heard_on(now, connection) else { return };
        if !self.allows(now, &link) {
            let answer = self.over(Limit::LinkRequests, &Address::of_domain(&link.theirs), "too many requests");
            return self.refuse_on(connection, &frame, &answer);
        }
        let request = match UserRequest::parse(&frame) {
            Ok(request) => request,
            Err(Fault::UnknownMethod) => {
                return self.refuse_on(connection, &frame, &Answer::new(ErrorKind::OperationNotSupported));
            }
            Err(fault) => {
                let answer = Answer::new(ErrorKind::MalformedRequest).because(fault.to_string());
                return self.refuse_on(connection, &frame, &answer);
            }
        };
        let asker = match self.admit(now, connection, &link, &frame, &request) {
            Ok(asker) => asker,
            Err(answer) => return self.refuse_on(connection, &frame, &answer),
        };
        match request.call {
            UserCall::ChangeNotify { ref origin, target_connection, version, .. } => {
                match self.subscriber(&link, &request.target, origin, target_connection) {
                    Ok(session) => self.notified(now, &asker, &session, origin, version),
                    Err(answer) => self.refuse(&asker, &answer),
                }
            }
            UserCall::TerminateSubscription { ref origin, target_connection, cause } => {
                match self.subscriber(&link, &request.target, origin, target_connection) {
                    Ok(session) => self.terminated(now, &asker, &session, origin, cause),
                    Err(answer) => self.refuse(&asker, &answer),
                }
            }
            _ => match self.locate(&request.target) {
                Place::User(address) => self.enter_request(now, &address, asker, request),
                Place::NoUser(address) => self.enter_nobody(now, &address, asker, request),
                Place::Domain | Place::Nowhere | Place::Elsewhere => self.refuse_with(&asker, ErrorKind::TargetUnknown),
            },
        }
    }

    /// Whether this link may ask that, in the order of SPEC §5.1; then an answer is owed.
    fn admit(
        &mut self,
        now: Now,
        connection: ConnectionKey,
        link: &Route,
        frame: &Frame,
        request: &UserRequest,
    ) -> Result<Asker, Answer> {
        let text = frame.header(Name::From).unwrap_or_default();
        let from = Address::parse_url(text).ok().filter(|from| from.as_str() == text);
        let from = from.ok_or_else(|| Answer::new(ErrorKind::MalformedRequest).because("From is not in its canonical form"))?;
        let server = matches!(request.call, UserCall::ChangeNotify { .. } | UserCall::TerminateSubscription { .. });
        let own = from.domain() == link.theirs;
        // A domain speaks with its own voice of presence, and with its users' of all else.
        if !own || from.is_domain() != server || (request.connection == ConnectionId::server()) != server {
            return Err(Answer::new(ErrorKind::PermissionDenied));
        }
        let crosses =
            matches!(request.call, UserCall::Fetch | UserCall::Subscribe { .. } | UserCall::Unsubscribe | UserCall::Send { .. });
        if !crosses && !server || crosses && !self.offers(&request.target, &request.target, &request.call) {
            return Err(Answer::new(ErrorKind::OperationNotSupported));
        }
        if !is_of_its_type(&request.call, frame.header(Name::ContentType)) {
            return Err(Answer::new(ErrorKind::MimeTypeNotUnderstood));
        }
        if let Some(answer) = is_too_long(frame, self.config.presence_octets).filter(|_| server) {
            return Err(answer);
        }
        // Never handed on to a third domain; nor to another of ours, whose answer would not be believed on this link.
        if request.target.domain() != link.ours {
            return Err(Answer::new(ErrorKind::TargetUnknown));
        }
        if self.is_out_of_memory(frame) {
            return Err(self.over(Limit::Memory, &Address::of_domain(&link.theirs), "too much at a time for this server"));
        }
        if !self.owe(now, link, frame) {
            return Err(self.over(Limit::LinkOutstanding, &Address::of_domain(&link.theirs), "too many unanswered requests"));
        }
        let session = SessionKey { user: from, id: request.connection };
        let weight = self.scale.weigh(frame.octets().len() as u64);
        Ok(Asker::abroad(session, frame.clone(), link.clone(), connection, weight))
    }

    /// The session of ours of which a notification speaks.
    fn subscriber(
        &self,
        link: &Route,
        target: &Address,
        origin: &Address,
        connection: ConnectionId,
    ) -> Result<SessionKey, Answer> {
        if origin.domain() != link.theirs || origin.is_domain() {
            return Err(Answer::new(ErrorKind::PermissionDenied).because("Origin is in another domain"));
        }
        match self.locate(target) {
            Place::User(user) => Ok(SessionKey { user, id: connection }),
            _ => Err(Answer::new(ErrorKind::SubscriptionUnknown)),
        }
    }

    pub(super) fn refuse_on(&mut self, connection: ConnectionKey, frame: &Frame, answer: &Answer) {
        let head = answer.write(error_to(frame)).finish();
        self.effects.push_back(Effect::Send { connection, octets: head.into() });
    }
}
