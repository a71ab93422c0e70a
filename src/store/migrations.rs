//! From any older schema to the newest, one step after the other, each of them frozen.

use super::open_error::{OpenError, OpenErrorKind};
use super::sums;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// From one version to the next.
struct Step {
    sql: &'static str,
    /// What SQL alone cannot do.
    then: fn(&Connection) -> rusqlite::Result<()>,
}

/// The step at index n leads from version n to n + 1.
const STEPS: &[Step] = &[
    Step { sql: include_str!("schema/v1.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("schema/v2.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("schema/v3.sql"), then: sums::fill },
];

/// The version that this program reads and writes.
#[must_use]
pub fn newest() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Brings the database to the newest version, in one transaction.
///
/// # Errors
/// A newer or a foreign database, or what the database said; nothing has changed then.
pub fn run(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    run_steps(connection, path, STEPS)
}

fn run_steps(connection: &mut Connection, path: &Path, steps: &[Step]) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if version(connection).map_err(failed)? == known {
        return check_ours(connection, path);
    }
    // Looked at again under the write lock: another process may be migrating at this moment.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = version(&transaction).map_err(failed)?;
    if found > known {
        return Err(OpenError::new(path, OpenErrorKind::Newer { found, known }));
    }
    if found > 0 || tables(&transaction).map_err(failed)? > 0 {
        check_ours(&transaction, path)?;
    }
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(step.sql).and_then(|()| (step.then)(&transaction)).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The version in which the database is; 0 if it is empty.
///
/// # Errors
/// A newer or a foreign database, or what the database said.
pub fn found(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let found = version(connection).map_err(failed)?;
    if found > newest() {
        return Err(OpenError::new(path, OpenErrorKind::Newer { found, known: newest() }));
    }
    if found > 0 || tables(connection).map_err(failed)? > 0 {
        check_ours(connection, path)?;
    }
    Ok(found)
}

/// The statements that make a store of this version, each with its table's name: what an undamaged one consists of.
///
/// # Errors
/// SQLite's.
pub(super) fn schema(version: u32) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_in_memory()?;
    for step in STEPS.iter().take(usize::try_from(version).unwrap_or(usize::MAX)) {
        connection.execute_batch(step.sql)?;
    }
    statements(&connection)
}

/// The statements that made this store; without those of SQLite's own tables.
pub(super) fn statements(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema
        WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

const OURS: i64 = 0x696d_7070;

fn check_ours(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let id: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| OpenError::sqlite(path, &error))?;
    if id == OURS { Ok(()) } else { Err(OpenError::new(path, OpenErrorKind::Foreign)) }
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn tables(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    const NOWHERE: &str = "store.db";

    fn fresh() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    /// A published version never changes: a store written by it must be read for ever.
    #[test]
    fn published_steps_are_frozen() {
        let digests = [
            "1078d8bde3def6e9d9fefe93acba2eafa5da90927bd1bddefa9243b02e148de9",
            "6e5232f3dee9a43b9cdd8cc7dbbbf1b47a7c4078e1df41bd4e59fa3c39289cff",
            "3d3b5703465aa4344b7f59c9c7388cb179cc1c12762a7cfe7f94c5d8735495c4",
        ];
        assert_eq!(STEPS.len(), digests.len());
        for (step, digest) in STEPS.iter().zip(digests) {
            let found: String = Sha256::digest(step.sql).iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(found, digest);
        }
    }

    #[test]
    fn steps_run_once_and_in_order() {
        let sql = |sql| Step { sql, then: |_| Ok(()) };
        let steps = [sql(STEPS[0].sql), sql("CREATE TABLE second (x INTEGER) STRICT"), sql("ALTER TABLE second RENAME TO third")];
        let path = Path::new(NOWHERE);
        let mut connection = fresh();
        for upto in 1..=steps.len() {
            run_steps(&mut connection, path, &steps[..upto]).unwrap();
            run_steps(&mut connection, path, &steps[..upto]).unwrap();
            assert_eq!(version(&connection).unwrap() as usize, upto);
        }
        connection.execute("INSERT INTO third VALUES (1)", []).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_the_old_version() {
        let mut connection = fresh();
        let path = Path::new(NOWHERE);
        run(&mut connection, path).unwrap();
        let before = tables(&connection).unwrap();
        let sql = |sql| Step { sql, then: |_| Ok(()) };
        let failing = [sql(""), sql(""), sql(""), sql("CREATE TABLE second (x); nonsense")];
        assert!(run_steps(&mut connection, path, &failing).is_err());
        let late = Step { sql: "CREATE TABLE second (x)", then: |_| Err(rusqlite::Error::QueryReturnedNoRows) };
        assert!(run_steps(&mut connection, path, &[sql(""), sql(""), sql(""), late]).is_err());
        assert_eq!((version(&connection).unwrap(), tables(&connection).unwrap()), (newest(), before));
    }

    #[test]
    fn a_newer_store_is_refused_by_name() {
        let mut connection = fresh();
        run(&mut connection, Path::new(NOWHERE)).unwrap();
        connection.pragma_update(None, "user_version", 7).unwrap();
        let error = run(&mut connection, Path::new(NOWHERE)).unwrap_err();
        assert_eq!(error.kind, OpenErrorKind::Newer { found: 7, known: newest() });
        assert_eq!(
            error.to_string(),
            "store.db was written by a newer impp (schema 7, this program knows 3); install that version again, or restore a backup \
             that this one can read"
        );
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let mut connection = fresh();
        connection.execute_batch("CREATE TABLE recipes (x)").unwrap();
        let error = run(&mut connection, Path::new(NOWHERE)).unwrap_err();
        assert_eq!(error.kind, OpenErrorKind::Foreign);
        assert_eq!(tables(&connection).unwrap(), 1);
    }
}
