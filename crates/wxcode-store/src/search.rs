//! An index of words for the search of conversations: SQLite's FTS5 in a file of its own.
//!
//! The index holds words and places, and no texts; it can be removed at any time. The caller folds
//! words and reads the places. Later rows come first.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;
use wxcode_core::id::Id;

/// The version of the file; another one is made anew.
const VERSION: i32 = 2;
/// Longest wait for the file's lock.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// The file's cache, in KiB.
const CACHE_KIB: i32 = 16 << 10; // 16 MiB

// Beginnings of one character have lists of their own: too many words share them.
const SCHEMA: &str = "
CREATE TABLE conversations(
    key INTEGER PRIMARY KEY, project TEXT NOT NULL, conversation TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, settled INTEGER NOT NULL, len INTEGER NOT NULL,
    UNIQUE(project, conversation));
CREATE TABLE turns(
    row INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL, start INTEGER NOT NULL,
    end INTEGER NOT NULL);
CREATE INDEX places ON turns(key, start);
CREATE VIRTUAL TABLE words USING fts5(
    text, content='', contentless_delete=1, detail='none', tokenize='ascii', prefix='1');
";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search index: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the search index: {0}")]
    Io(#[from] io::Error),
}

type Result<T> = std::result::Result<T, SearchError>;

/// The place up to which a conversation's transcript is indexed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The device and the inode of the file.
    pub identity: (u64, u64),
    /// Later turns may still grow: they are read again.
    pub settled: u64,
    /// The indexed bytes.
    pub len: u64,
}

/// A turn to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The byte where its first line begins.
    pub start: u64,
    /// The byte after its first line.
    pub end: u64,
    /// Folded words, with spaces between.
    pub words: String,
}

/// A found turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its place in the order of hits.
    pub row: i64,
    pub project: Id,
    pub conversation: Uuid,
    pub start: u64,
    pub end: u64,
}

/// The index. Its methods block.
#[derive(Debug)]
pub struct SearchIndex {
    connection: Mutex<Connection>,
}

/// The word of a project's turns.
fn mark(project: Id) -> String {
    format!("zzproject{project}")
}

#[expect(clippy::cast_possible_wrap, reason = "the bits come back as they are")]
const fn signed(value: u64) -> i64 {
    value as i64
}

#[expect(clippy::cast_sign_loss, reason = "the bits come back as they are")]
const fn unsigned(value: i64) -> u64 {
    value as u64
}

impl SearchIndex {
    /// Opens the file, with mode 0600. A missing, damaged or other file is made anew.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = match Self::connect(path) {
            Ok(connection) => connection,
            Err(_) => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    match fs::remove_file(&name) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                }
                Self::connect(path)?
            }
        };
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    fn connect(path: &Path) -> Result<Connection> {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A power cut costs words, which are read again.
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            connection.execute_batch(&format!(
                "BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        } else if version != VERSION {
            return Err(io::Error::other("another version").into());
        }
        connection.query_row("SELECT count(*) FROM conversations", [], |_| Ok(()))?;
        Ok(connection)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The place up to which a conversation is indexed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reached(&self, project: Id, conversation: Uuid) -> Result<Option<Reached>> {
        let connection = self.lock();
        let mut query = connection.prepare_cached(
            "SELECT device, inode, settled, len FROM conversations WHERE project = ? AND conversation = ?",
        )?;
        let found = query.query_row(
            params![project.to_string(), conversation.to_string()],
            |row| {
                Ok(Reached {
                    identity: (unsigned(row.get(0)?), unsigned(row.get(1)?)),
                    settled: unsigned(row.get(2)?),
                    len: unsigned(row.get(3)?),
                })
            },
        );
        Ok(found.optional()?)
    }

    /// Replaces the turns from the byte `from` on by these, and notes the reached place.
    ///
    /// # Errors
    /// The file cannot be written; nothing changed then.
    pub fn replace(
        &self,
        project: Id,
        conversation: Uuid,
        from: u64,
        entries: &[Entry],
        reached: Reached,
    ) -> Result<()> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let key: i64 = change.query_row(
            "INSERT INTO conversations(project, conversation, device, inode, settled, len)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT(project, conversation) DO UPDATE
             SET device = ?3, inode = ?4, settled = ?5, len = ?6 RETURNING key",
            params![
                project.to_string(),
                conversation.to_string(),
                signed(reached.identity.0),
                signed(reached.identity.1),
                signed(reached.settled),
                signed(reached.len),
            ],
            |row| row.get(0),
        )?;
        drop_turns(&change, key, from)?;
        let mark = mark(project);
        {
            let mut turn =
                change.prepare_cached("INSERT INTO turns(key, start, end) VALUES (?, ?, ?)")?;
            let mut words =
                change.prepare_cached("INSERT INTO words(rowid, text) VALUES (?, ?)")?;
            for entry in entries {
                let row = turn.insert(params![key, signed(entry.start), signed(entry.end)])?;
                words.execute(params![row, format!("{mark} {}", entry.words)])?;
            }
        }
        change.commit()?;
        Ok(())
    }

    /// The turns with words that begin with all of these, the later rows first, from before a row.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(
        &self,
        words: &[String],
        project: Option<Id>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Found>> {
        let quoted = |word: &String| format!("\"{}\"*", word.replace('"', ""));
        let mut query: Vec<String> = words.iter().map(quoted).collect();
        query.extend(project.map(|project| format!("\"{}\"", mark(project))));
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT words.rowid, project, conversation, start, end
             FROM words JOIN turns ON turns.row = words.rowid JOIN conversations USING (key)
             WHERE words MATCH ? AND words.rowid < ? ORDER BY words.rowid DESC LIMIT ?",
        )?;
        let found = statement.query_map(
            params![
                query.join(" AND "),
                before.unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ],
            |row| {
                let (project, conversation): (String, String) = (row.get(1)?, row.get(2)?);
                let (start, end): (i64, i64) = (row.get(3)?, row.get(4)?);
                Ok((
                    row.get(0)?,
                    project,
                    conversation,
                    unsigned(start),
                    unsigned(end),
                ))
            },
        )?;
        let mut all = Vec::new();
        for found in found {
            let (row, of, conversation, start, end) = found?;
            let (Ok(of), Ok(conversation)) = (of.parse(), Uuid::parse_str(&conversation)) else {
                continue;
            };
            if project.is_none_or(|only| only == of) {
                all.push(Found {
                    row,
                    project: of,
                    conversation,
                    start,
                    end,
                });
            }
        }
        Ok(all)
    }

    /// The indexed conversations of all projects.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn projects(&self) -> Result<HashMap<Id, Vec<Uuid>>> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT project, conversation FROM conversations")?;
        let mut rows = query.query([])?;
        let mut all: HashMap<Id, Vec<Uuid>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (project, conversation): (String, String) = (row.get(0)?, row.get(1)?);
            if let (Ok(project), Ok(conversation)) =
                (project.parse(), Uuid::parse_str(&conversation))
            {
                all.entry(project).or_default().push(conversation);
            }
        }
        Ok(all)
    }

    /// Removes a conversation.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget(&self, project: Id, conversation: Uuid) -> Result<()> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let key: Option<i64> = change
            .query_row(
                "DELETE FROM conversations WHERE project = ? AND conversation = ? RETURNING key",
                params![project.to_string(), conversation.to_string()],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(key) = key {
            drop_turns(&change, key, 0)?;
        }
        change.commit()?;
        Ok(())
    }

    /// Merges the parts of the index, for shorter searches.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn merge(&self) -> Result<()> {
        let connection = self.lock();
        connection.execute("INSERT INTO words(words) VALUES ('optimize')", [])?;
        connection.pragma_update(None, "wal_checkpoint", "truncate")?;
        Ok(())
    }
}

fn drop_turns(change: &Connection, key: i64, from: u64) -> Result<()> {
    change.execute(
        "DELETE FROM words WHERE rowid IN (SELECT row FROM turns WHERE key = ? AND start >= ?)",
        params![key, signed(from)],
    )?;
    change.execute(
        "DELETE FROM turns WHERE key = ? AND start >= ?",
        params![key, signed(from)],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
