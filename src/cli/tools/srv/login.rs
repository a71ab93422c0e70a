//! `--probe-login`: one login with the account, and what came of it.

use super::args::SrvArgs;
use crate::cli::account::{self, Account};
use crate::cli::args::Common;
use crate::cli::config::Config;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::session::Open;
use crate::cli::trouble::Trouble;
use crate::cli::{safe, units};
use crate::model::{Address, Domain};
use crate::net::Clock;
use crate::net::client::{Client, Error, Options};
use crate::net::judge::{Finding, Id, Severity};

/// A login that is ready to be tried.
pub(super) struct Login {
    user: Address,
    domain: Domain,
    options: Options,
}

/// Finds account and password before anything else is done; `None` if nobody asked for it.
pub(super) fn prepare(args: &SrvArgs, domains: &[Domain], out: &Printer) -> Outcome<Option<Login>> {
    if !args.probe_login {
        return Ok(None);
    }
    let common: Common = args.common();
    let config = Config::find(common.who.config.as_deref())?;
    // The account may name a server; what is judged here is what the DNS says.
    let account = Account { server: None, ..account::settle(&common, &config, true)? };
    let Some(user) = account.user().cloned() else {
        return Err(Failure::usage("--probe-login needs somebody to log in: --login"));
    };
    let domain = user.domain();
    if !domains.contains(&domain) {
        return Err(Failure::usage(format!("--probe-login as {}: {} is not among the domains", user.shown(), domain.shown())));
    }
    let options = Open::new(&common, &account, out).options()?;
    Ok(Some(Login { user, domain, options }))
}

impl Login {
    pub(super) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Logs in and out. What happened, and a finding if it failed.
    pub(super) async fn attempt(&self) -> (String, Option<Finding>) {
        let begun = Clock::instant();
        let user = safe::line(&self.user.shown()).into_owned();
        match self.log_in().await {
            Ok(server) => {
                let took = units::shown(Clock::instant().saturating_duration_since(begun));
                (format!("{user}: logged in{} in {took}", server.map(|at| format!(" at {at}")).unwrap_or_default()), None)
            }
            Err(error) => {
                let trouble = Trouble::from(error);
                let line = trouble.line(&format!("log in as {user}"));
                let severity = if trouble.is_temporary() { Severity::Unknown } else { Severity::Error };
                let finding =
                    Finding { id: Id::LoginFailed, severity, role: None, about: user, text: line.clone(), change: Vec::new() };
                (line, Some(finding))
            }
        }
    }

    async fn log_in(&self) -> Result<Option<String>, Error> {
        let client = Client::connect(self.options.clone()).await?;
        let server = client.ready().await?.server.as_ref().map(ToString::to_string);
        client.close().await?;
        Ok(server)
    }
}
