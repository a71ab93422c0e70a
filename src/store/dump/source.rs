//! The rows of a store: all of them in the order of their keys, or, of a damaged store, those that are what was written.

use super::ExportError;
use crate::store::verify::columns;
use crate::store::verify::rows::{Kind, words};
use rusqlite::{Connection, Row};
use std::collections::HashSet;

/// A store as of one moment.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) moment: &'a Connection,
    /// Whether it is known to be damaged: then what is not sound is passed over, and not an error.
    pub(super) damaged: bool,
}

impl Source<'_> {
    /// Reads the rows of a kind, which come with the columns of its table.
    pub(super) fn each<T, E>(
        self,
        kind: Kind,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut act: impl FnMut(T) -> Result<(), ExportError<E>>,
    ) -> Result<(), ExportError<E>> {
        let key = kind.table.key;
        let order =
            |way: &str| format!(" ORDER BY {}", key.iter().map(|column| format!("{column}{way}")).collect::<Vec<_>>().join(", "));
        if !self.damaged {
            return self.pass(kind, &order(""), |row| act(read(row).map_err(|_| ExportError::Damaged)?));
        }
        // A page that cannot be read ends a pass: what lies behind it is read from the other end, and perhaps by another way.
        let mut seen = HashSet::new();
        for pass in [order(""), order(" DESC"), " NOT INDEXED".to_owned()] {
            let passed = self.pass(kind, &pass, |row| {
                let named: Vec<_> = (0..key.len()).map(|column| words(row, column)).collect();
                match read(row) {
                    Ok(found) if kind.is_whole(row, true) && seen.insert(named) => act(found),
                    _ => Ok(()),
                }
            });
            match passed {
                Ok(()) | Err(ExportError::Damaged) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn pass<E>(
        self,
        kind: Kind,
        order: &str,
        mut act: impl FnMut(&Row<'_>) -> Result<(), ExportError<E>>,
    ) -> Result<(), ExportError<E>> {
        let sql = columns(kind.table, true) + order;
        let mut statement = self.moment.prepare(&sql).map_err(|_| ExportError::Damaged)?;
        let mut rows = statement.query([]).map_err(|_| ExportError::Damaged)?;
        while let Some(row) = rows.next().map_err(|_| ExportError::Damaged)? {
            act(row)?;
        }
        Ok(())
    }

    /// Reads one row of a kind; `None` where there is none, or none that is sound.
    pub(super) fn one<T, E>(
        self,
        kind: Kind,
        key: &dyn rusqlite::ToSql,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, ExportError<E>> {
        let sql = format!("{} WHERE {} = ?1", columns(kind.table, true), kind.table.key.join(" AND "));
        let found = self.moment.prepare_cached(&sql).and_then(|mut statement| {
            let mut rows = statement.query([key])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            if self.damaged && !kind.is_whole(row, true) { Ok(None) } else { read(row).map(Some) }
        });
        match found {
            Err(_) if self.damaged => Ok(None),
            found => found.map_err(|_| ExportError::Damaged),
        }
    }
}
