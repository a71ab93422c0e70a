//! The requests that a client can make, one method each (SPEC §5).

use super::content::{self, Change, ChangeDone, Content, Fetched, Message, Sent, Subscribed};
use super::session::Call;
use super::{Client, Error};
use crate::model::acl::Acl;
use crate::model::media_type;
use crate::model::watchers::Watchers;
use crate::model::{Address, UserCall, Version};
use crate::wire::{Frame, Name};
use std::time::Duration;

impl Client {
    /// Sends a message. To be repeated with the same Message-ID if it is unknown what became of it.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session.
    pub async fn send(&self, to: &Address, message: &Message) -> Result<Sent, Error> {
        let call = UserCall::Send { message_id: message.id.clone(), wanted: message.wanted };
        let content = Content::new(message.content_type.clone(), message.body.clone());
        Sent::read(&self.ask(to, call, Some(content)).await?)
    }

    /// Asks for presence.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session.
    pub async fn fetch(&self, target: &Address) -> Result<Fetched, Error> {
        Fetched::read(&self.ask(target, UserCall::Fetch, None).await?)
    }

    /// Asks for presence now and at every change, or renews that. The wish is in whole seconds; the server grants what it
    /// likes. See [`super::Steady`] for a subscription that is renewed by itself.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session.
    pub async fn subscribe(&self, target: &Address, lease: Option<Duration>) -> Result<Subscribed, Error> {
        let call = UserCall::Subscribe { lease: lease.map(|lease| lease.as_secs()) };
        Subscribed::read(&self.ask(target, call, None).await?)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// [`Error::Refused`], with subscription-unknown if there is none, and whatever ends a session.
    pub async fn unsubscribe(&self, target: &Address) -> Result<(), Error> {
        self.ask(target, UserCall::Unsubscribe, None).await.map(drop)
    }

    /// Changes presence: one's own, or that of a user of the same domain who allows it.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session.
    pub async fn change(&self, target: &Address, change: &Change) -> Result<ChangeDone, Error> {
        ChangeDone::read(&self.ask(target, change.to_call(), change.content.clone()).await?)
    }

    /// One's access rules with their version; version 0 and the domain's default if there never were any.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session; [`Error::BadAnswer`] for rules that this library cannot read.
    pub async fn get_acl(&self, target: &Address) -> Result<(Version, Acl), Error> {
        let frame = self.ask(target, UserCall::GetAcl, None).await?;
        let acl = Acl::parse(frame.body().unwrap_or_default()).map_err(|_| Error::BadAnswer(Name::ContentType))?;
        Ok((content::version(&frame, Name::AclVersion)?, acl))
    }

    /// Replaces one's access rules, if `if_version` is still their version.
    ///
    /// # Errors
    /// [`Error::Refused`], with conflict if it is not, and whatever ends a session.
    pub async fn set_acl(&self, target: &Address, acl: &Acl, if_version: Option<Version>) -> Result<Version, Error> {
        let body = Content::new(media_type::ACL, acl.to_xml());
        let frame = self.ask(target, UserCall::SetAcl { if_version }, Some(body)).await?;
        content::version(&frame, Name::AclVersion)
    }

    /// Who watches, and who was refused lately.
    ///
    /// # Errors
    /// [`Error::Refused`] and whatever ends a session; [`Error::BadAnswer`] for a list that makes no sense.
    pub async fn watchers(&self, target: &Address) -> Result<Watchers, Error> {
        let frame = self.ask(target, UserCall::GetWatchers, None).await?;
        Watchers::parse(frame.body().unwrap_or_default()).map_err(|_| Error::BadAnswer(Name::ContentType))
    }

    async fn ask(&self, target: &Address, call: UserCall, content: Option<Content>) -> Result<Frame, Error> {
        self.call(Call { target: target.clone(), call, content }).await
    }
}

impl Change {
    pub(super) fn to_call(&self) -> UserCall {
        UserCall::Change { lease: self.lease, if_version: self.if_version, view: self.view }
    }
}
