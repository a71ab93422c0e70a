//! Versions of presence after a restore: above all that were given out since the backup, or nobody would believe them.

use crate::model::{UnixMillis, Version};
use crate::store::sqlite::{Writer, rows};
use crate::store::sums;
use rusqlite::{Connection, params};

/// Lifts the version of every presence that has one, or is watched from other domains, to the larger of its own + 1 and the
/// time, and with it the versions that the concealed are shown.
///
/// Who watches drops what is not newer than what they have (SPEC §5.5), and between the backup and now they may have been told of
/// changes that are undone. No version that was given out is above the time at which it was given out, but for more than a thousand
/// changes in a second.
pub(super) fn versions(connection: &Connection, now: UnixMillis) -> rusqlite::Result<u64> {
    let sql = "SELECT address, presence_version, EXISTS (SELECT 1 FROM subscription WHERE presentity = address) FROM account";
    let mut accounts = connection.prepare(sql)?;
    let accounts: Vec<(String, u64, bool)> =
        accounts.query_map([], |row| Ok((row.get(0)?, rows::unsigned(row, 1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let mut lifted = 0;
    for (account, version, watched) in accounts {
        if version == 0 && !watched {
            continue;
        }
        let next = Version(version).next(now);
        connection
            .prepare_cached("UPDATE account SET presence_version = ?2 WHERE address = ?1")?
            .execute(params![account, rows::integer(next.0)])?;
        sums::renew_presence(connection, &account)?;
        concealed(connection, &account, next, watched)?;
        lifted += 1;
    }
    Ok(lifted)
}

/// A version 0 says that presence was never set when it was concealed; only who watches and has been told could miss a newer one.
fn concealed(connection: &Connection, account: &str, next: Version, watched: bool) -> rusqlite::Result<()> {
    Writer::change_acl(connection, account, |acl| {
        for version in acl.concealed.iter_mut().flatten().filter(|version| watched || version.0 > 0) {
            *version = next;
        }
    })
}
