//! Accounts for the eye and for scripts.

use impp::cli::exit::Outcome;
use impp::cli::print::{Printer, Record};
use impp::cli::{safe, units};
use impp::store::accounts::AccountView;

const HEAD: [&str; 5] = ["ADDRESS", "STATE", "PASSWORD", "WAITING", "SINCE"];

/// One line per account, under a heading; as JSON one object per account.
pub(super) fn list(out: &Printer, accounts: &[AccountView]) -> Outcome<()> {
    if out.is_text() {
        return table(accounts).iter().try_for_each(|line| out.line(line));
    }
    accounts.iter().try_for_each(|account| out.record(&record(account), ""))
}

/// One account, one line per fact.
pub(super) fn show(out: &Printer, account: &AccountView) -> Outcome<()> {
    if !out.is_text() {
        return out.record(&record(account), "");
    }
    let [address, state, password, waiting, since] = cells(account);
    let presence = match (account.account.presence, account.presence.0) {
        (false, _) => "none",
        (true, 0) => "never published",
        (true, _) => "published",
    };
    let inbox = if account.account.inbox { "yes" } else { "none" };
    let rules = if account.acl.0 == 0 { "the domain's" } else { "own" };
    for (name, value) in [
        ("address", address.as_str()),
        ("state", &state),
        ("password", &password),
        ("waiting", &waiting),
        ("since", &since),
        ("presence", presence),
        ("inbox", inbox),
        ("rules", rules),
    ] {
        out.line(&format!("{name:<9} {value}"))?;
    }
    Ok(())
}

fn record(view: &AccountView) -> Record {
    let moved = view.account.moved.as_ref();
    Record::new()
        .with("address", view.address.to_email())
        .with("state", state_word(view))
        .with("disabled", view.account.disabled)
        .with("moved_to", moved.map(|moved| moved.to.to_email()))
        .with("moved_permanently", moved.map(|moved| moved.permanently))
        .with("presence", view.account.presence)
        .with("inbox", view.account.inbox)
        .with("password", view.password)
        .with("messages", view.mailbox.messages)
        .with("octets", view.mailbox.octets)
        .with("created", view.created.to_rfc3339())
        .with("presence_version", view.presence.0)
        .with("acl_version", view.acl.0)
}

fn state_word(view: &AccountView) -> &'static str {
    match (view.account.disabled, &view.account.moved) {
        (true, _) => "disabled",
        (false, Some(_)) => "moved",
        (false, None) => "active",
    }
}

fn cells(view: &AccountView) -> [String; HEAD.len()] {
    let mut state = state_word(view).to_owned();
    if let Some(moved) = &view.account.moved {
        let length = if moved.permanently { "" } else { " for a while" };
        let begin = if view.account.disabled { "disabled, moved" } else { "moved" };
        state = format!("{begin} to {}{length}", safe::line(&moved.to.shown()));
    }
    let waiting = match view.mailbox.messages {
        0 => "-".to_owned(),
        messages => format!("{messages} ({})", units::shown_size(view.mailbox.octets)),
    };
    let password = if view.password { "yes" } else { "no" };
    [safe::line(&view.address.shown()).into_owned(), state, password.to_owned(), waiting, units::local(view.created)]
}

/// Lines whose columns stand below each other; none for no accounts.
fn table(accounts: &[AccountView]) -> Vec<String> {
    crate::table::lines(HEAD, &accounts.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use impp::model::{Address, UnixMillis, Version};
    use impp::service::store::{Account, MailboxSize, Moved};

    fn view(address: &str, account: Account, messages: u64) -> AccountView {
        AccountView {
            address: Address::parse(address).unwrap(),
            account,
            created: UnixMillis(1_795_435_200_000),
            password: messages == 0,
            mailbox: MailboxSize { messages, octets: messages * 2000 },
            presence: Version(0),
            acl: Version(7),
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let to = Address::parse("ann@example.net").unwrap();
        let lines = table(&[
            view("ann@example.org", Account { moved: Some(Moved { to, permanently: false }), ..Account::default() }, 0),
            view("b@example.org", Account { disabled: true, ..Account::default() }, 3),
        ]);
        let without_time: Vec<_> = lines.iter().map(|line| line.rsplit_once("  ").unwrap().0.trim_end()).collect();
        assert_eq!(
            without_time,
            [
                "ADDRESS          STATE                                 PASSWORD  WAITING",
                "ann@example.org  moved to ann@example.net for a while  yes       -",
                "b@example.org    disabled                              no        3 (6K)",
            ]
        );
        assert!(table(&[]).is_empty());
    }

    #[test]
    fn scripts_get_every_fact() {
        let json = record(&view("ann@example.org", Account::default(), 2)).to_json();
        assert_eq!(
            json,
            r#"{"v":1,"address":"ann@example.org","state":"active","disabled":false,"moved_to":null,"moved_permanently":null,"presence":true,"inbox":true,"password":false,"messages":2,"octets":4000,"created":"2026-11-23T12:00:00Z","presence_version":0,"acl_version":7}"#
        );
    }
}
