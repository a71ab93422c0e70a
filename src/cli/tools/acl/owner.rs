//! The way by which somebody's rules are read and written: the owner's own session, or an administrator's.

use crate::cli::exit::Outcome;
use crate::cli::session::Session;
use crate::model::acl::Acl;
use crate::model::watchers::Watchers;
use crate::model::{Address, ErrorKind, Version};

/// Whose rules they are, and how they are reached.
pub trait Owner {
    /// Whose.
    ///
    /// # Errors
    /// There is no session yet.
    fn address(&self) -> Outcome<&Address>;

    /// What the owner's domain decides where no rule speaks; `None`: nobody knows, and it is taken as shipped.
    fn domain_default(&self) -> Option<&Acl> {
        None
    }

    /// The rules and their version.
    ///
    /// # Errors
    /// Why they cannot be had.
    fn rules(&self) -> impl Future<Output = Outcome<(Acl, Version)>>;

    /// Sets other rules, if those of this version still hold; `false`: somebody else wrote in between.
    ///
    /// # Errors
    /// Why they cannot be set.
    fn set_rules(&self, rules: &Acl, if_version: Version) -> impl Future<Output = Outcome<bool>>;

    /// Who watches, and who was refused lately.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn watchers(&self) -> impl Future<Output = Outcome<Watchers>>;
}

impl Owner for Session<'_> {
    fn address(&self) -> Outcome<&Address> {
        self.me()
    }

    async fn rules(&self) -> Outcome<(Acl, Version)> {
        let (version, acl) = self.acl(self.me()?).await.map_err(|trouble| trouble.doing("get the rules"))?;
        Ok((acl, version))
    }

    async fn set_rules(&self, rules: &Acl, if_version: Version) -> Outcome<bool> {
        match self.set_acl(self.me()?, rules, Some(if_version)).await {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.kind() == Some(ErrorKind::Conflict) => Ok(false),
            Err(trouble) => Err(trouble.doing("change the rules")),
        }
    }

    async fn watchers(&self) -> Outcome<Watchers> {
        Self::watchers(self, self.me()?).await.map_err(|trouble| trouble.doing("get the watchers"))
    }
}
