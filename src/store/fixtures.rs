//! Stores as earlier versions wrote them, for tests: committed as SQL, with data of every kind.

use super::sqlite::{DATABASE_FILE, Role, open};
use rusqlite::Connection;
use std::path::Path;
use tempfile::TempDir;

/// One per version but the newest; a store never changes again once its version is published.
pub(super) const DUMPS: &[&str] = &[include_str!("../../tests/stores/v1.sql"), include_str!("../../tests/stores/v2.sql")];

/// A folder with a store of this version; of the newest, brought there from the one before.
pub(super) fn store(version: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dump = DUMPS[version.min(DUMPS.len()) - 1];
    Connection::open(folder.path().join(DATABASE_FILE)).unwrap().execute_batch(dump).unwrap();
    if version > DUMPS.len() {
        open(folder.path(), Role::Administrator).unwrap();
        std::fs::remove_file(folder.path().join(format!("store-v{}.db", DUMPS.len()))).unwrap();
    }
    folder
}

/// Changes a store behind our back.
pub(super) fn sql(folder: &Path, sql: &str) {
    Connection::open(folder.join(DATABASE_FILE)).unwrap().execute_batch(sql).unwrap();
}

/// All that is read of a store, in the order of its keys; `None` if it cannot be read.
pub(super) fn dump(folder: &Path) -> Option<String> {
    let connection = Connection::open(folder.join(DATABASE_FILE)).ok()?;
    let tables = ["domain", "account", "credentials", "acl", "presence_value", "message", "subscription"];
    let mut text = String::new();
    for table in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).ok()?;
        let width = rows.column_count();
        let mut found = rows.query([]).ok()?;
        while let Some(row) = found.next().ok()? {
            for column in 0..width {
                text.push_str(&format!("{:?};", row.get_ref(column).ok()?));
            }
            text.push('\n');
        }
    }
    Some(text)
}
