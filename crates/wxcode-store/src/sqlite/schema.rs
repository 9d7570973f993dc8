//! The tables of the embedded store, and the migrations of older files.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{failure::Failure, open::OpenError};

/// The file's application id: `wxcd`.
const APPLICATION_ID: i32 = 0x7778_6364;

/// The migrations in order; a file at `user_version` n has had the first n.
///
/// A released migration never changes. Times are milliseconds since 1970, ids and claude session
/// ids are text.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE output_projects (
        n                          INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
        _id                        TEXT NOT NULL UNIQUE,
        kb_id                      TEXT,
        name                       TEXT NOT NULL,
        stack_id                   TEXT,
        configuration_id           TEXT,
        workspace_path             TEXT NOT NULL,
        status                     TEXT NOT NULL CHECK (status IN ('created', 'initialized', 'active')),
        claude_session_id          TEXT,
        identity_cursor_session_id TEXT,
        identity_cursor_seq        INTEGER,
        new_project_delivery       TEXT,
        created_at                 INTEGER NOT NULL,
        updated_at                 INTEGER NOT NULL,
        CHECK ((identity_cursor_session_id IS NULL) = (identity_cursor_seq IS NULL))
    ) STRICT;

    CREATE TABLE claude_session_history (
        n                 INTEGER PRIMARY KEY AUTOINCREMENT, -- oldest first
        output_project_id TEXT NOT NULL REFERENCES output_projects (_id) ON DELETE CASCADE,
        id                TEXT NOT NULL,
        since             INTEGER NOT NULL,
        until             INTEGER,
        source            TEXT NOT NULL,
        reason            TEXT,
        transcript_path   TEXT,
        spoke             INTEGER NOT NULL CHECK (spoke IN (0, 1))
    ) STRICT;
    CREATE INDEX claude_session_history_project ON claude_session_history (output_project_id, id);
    CREATE UNIQUE INDEX claude_session_history_current ON claude_session_history (output_project_id)
        WHERE until IS NULL;

    CREATE TABLE milestones (
        n                     INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
        _id                   TEXT NOT NULL UNIQUE,
        output_project_id     TEXT NOT NULL REFERENCES output_projects (_id) ON DELETE CASCADE,
        element_id            TEXT,
        element_name          TEXT NOT NULL,
        status                TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
        context               TEXT,
        wxcode_version        TEXT,
        milestone_folder_name TEXT,
        delivery_id           TEXT,
        created_at            INTEGER NOT NULL,
        updated_at            INTEGER,
        completed_at          INTEGER
    ) STRICT;
    CREATE INDEX milestones_project_status ON milestones (output_project_id, status);
    CREATE UNIQUE INDEX milestones_project_element ON milestones (output_project_id, element_id)
        WHERE element_id IS NOT NULL;

    CREATE TABLE deliveries (
        n                 INTEGER PRIMARY KEY AUTOINCREMENT, -- order of queueing
        _id               TEXT NOT NULL UNIQUE,
        output_project_id TEXT NOT NULL REFERENCES output_projects (_id) ON DELETE CASCADE,
        milestone_id      TEXT,
        text              TEXT NOT NULL,
        state             TEXT NOT NULL CHECK (state IN ('queued', 'written', 'submitted', 'failed')),
        attempts          INTEGER NOT NULL,
        error             TEXT,
        idempotency_key   TEXT,
        session_id        TEXT,
        route             TEXT NOT NULL CHECK (route IN ('typed', 'prompt')),
        version           INTEGER NOT NULL,
        created_at        INTEGER NOT NULL,
        updated_at        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX deliveries_project ON deliveries (output_project_id);
    CREATE INDEX deliveries_open ON deliveries (output_project_id) WHERE state IN ('queued', 'written');
    CREATE UNIQUE INDEX deliveries_key ON deliveries (output_project_id, idempotency_key)
        WHERE idempotency_key IS NOT NULL;
    ",
    // Reports up to this hook number are older than the delivery and cannot confirm it.
    "ALTER TABLE deliveries ADD COLUMN after_seq INTEGER;",
    // The last mover of a milestone, and the reason.
    "ALTER TABLE milestones ADD COLUMN status_by TEXT; ALTER TABLE milestones ADD COLUMN status_reason TEXT;",
    // The server with the right to run a project's agent.
    "
    CREATE TABLE leases (
        output_project_id TEXT PRIMARY KEY REFERENCES output_projects (_id) ON DELETE CASCADE,
        node_id           TEXT,
        node_name         TEXT,
        epoch             INTEGER NOT NULL,
        beat              INTEGER NOT NULL,
        term_ms           INTEGER NOT NULL,
        CHECK ((node_id IS NULL) = (node_name IS NULL))
    ) STRICT;
    ",
    // A long text leaves its beginning in the old column; the whole text is the last column. SQLite
    // reads the pages of a row from the front, so lists never touch the whole text.
    "
    ALTER TABLE deliveries ADD COLUMN text_bytes INTEGER; -- of a long text
    ALTER TABLE deliveries ADD COLUMN whole_text TEXT;
    UPDATE deliveries SET text = substr(text, 1, 1024), text_bytes = length(CAST(text AS BLOB)), whole_text = text
        WHERE length(text) > 1024;
    ALTER TABLE milestones ADD COLUMN context_bytes INTEGER; -- of a long context
    ALTER TABLE milestones ADD COLUMN whole_context TEXT;
    UPDATE milestones SET context = substr(context, 1, 1024), context_bytes = length(CAST(context AS BLOB)),
            whole_context = context
        WHERE length(context) > 1024;
    ",
    // A folder belongs to a single project. Projects with a shared folder keep the folder, and the
    // oldest of the projects owns it.
    "
    ALTER TABLE output_projects ADD COLUMN workspace_owned TEXT; -- the path, unless it is shared
    UPDATE output_projects SET workspace_owned = workspace_path
        WHERE n IN (SELECT min(n) FROM output_projects GROUP BY workspace_path);
    CREATE UNIQUE INDEX output_projects_workspace ON output_projects (workspace_owned)
        WHERE workspace_owned IS NOT NULL;
    ",
    // A project's own settings, as JSON; NULL where all settings are the server's.
    "ALTER TABLE output_projects ADD COLUMN settings TEXT;",
    // Deliveries wait for a time, steer, and move in the queue. The table is built again, because
    // the whole text must stay the last column.
    "
    CREATE TABLE moved_deliveries (
        n                 INTEGER PRIMARY KEY AUTOINCREMENT,
        _id               TEXT NOT NULL UNIQUE,
        output_project_id TEXT NOT NULL REFERENCES output_projects (_id) ON DELETE CASCADE,
        place             INTEGER NOT NULL, -- order in the project
        milestone_id      TEXT,
        text              TEXT NOT NULL,
        state             TEXT NOT NULL CHECK (state IN ('queued', 'written', 'submitted', 'failed')),
        attempts          INTEGER NOT NULL,
        typings           INTEGER NOT NULL,
        error             TEXT,
        idempotency_key   TEXT,
        session_id        TEXT,
        route             TEXT NOT NULL CHECK (route IN ('typed', 'prompt')),
        after_seq         INTEGER,
        not_before        INTEGER,
        steer             INTEGER NOT NULL CHECK (steer IN (0, 1)),
        edits             INTEGER NOT NULL,
        version           INTEGER NOT NULL,
        created_at        INTEGER NOT NULL,
        updated_at        INTEGER NOT NULL,
        text_bytes        INTEGER, -- of a long text
        whole_text        TEXT
    ) STRICT;
    INSERT INTO moved_deliveries
            (n, _id, output_project_id, place, milestone_id, text, state, attempts, typings, error, idempotency_key,
             session_id, route, after_seq, not_before, steer, edits, version, created_at, updated_at, text_bytes,
             whole_text)
        SELECT n, _id, output_project_id, n, milestone_id, text, state, attempts, state <> 'queued', error,
            idempotency_key, session_id, route, after_seq, NULL, 0, 0, version, created_at, updated_at, text_bytes,
            whole_text
        FROM deliveries ORDER BY n;
    DROP TABLE deliveries;
    ALTER TABLE moved_deliveries RENAME TO deliveries;
    CREATE INDEX deliveries_project ON deliveries (output_project_id, place);
    CREATE INDEX deliveries_open ON deliveries (output_project_id, place) WHERE state IN ('queued', 'written');
    CREATE UNIQUE INDEX deliveries_key ON deliveries (output_project_id, idempotency_key)
        WHERE idempotency_key IS NOT NULL;
    ",
    // Tokens, logins and share links; the audit of their use.
    "
    CREATE TABLE credentials (
        n                 INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
        _id               TEXT NOT NULL UNIQUE,
        kind              TEXT NOT NULL CHECK (kind IN ('token', 'login', 'share')),
        name              TEXT NOT NULL,
        role              TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
        output_project_id TEXT REFERENCES output_projects (_id) ON DELETE CASCADE,
        hash              TEXT NOT NULL, -- of the secret
        created_at        INTEGER NOT NULL,
        created_by        TEXT NOT NULL,
        expires_at        INTEGER,
        used_at           INTEGER,
        used_from         TEXT
    ) STRICT;
    CREATE UNIQUE INDEX credentials_token ON credentials (name) WHERE kind = 'token';
    CREATE TABLE audit (
        n                 INTEGER PRIMARY KEY AUTOINCREMENT,
        _id               TEXT NOT NULL UNIQUE,
        at                INTEGER NOT NULL,
        actor             TEXT NOT NULL,
        caller            TEXT NOT NULL, -- the address
        action            TEXT NOT NULL,
        output_project_id TEXT, -- also of a removed project
        outcome           TEXT NOT NULL
    ) STRICT;
    ",
    // The credential that this credential comes from.
    "ALTER TABLE credentials ADD COLUMN source TEXT;",
    // Webhooks and browsers, and the queue of their notices.
    "
    CREATE TABLE notice_targets (
        n             INTEGER PRIMARY KEY AUTOINCREMENT, -- oldest first
        _id           TEXT NOT NULL UNIQUE,
        created_at    INTEGER NOT NULL,
        created_by    TEXT NOT NULL,
        credential_id TEXT,
        address       TEXT NOT NULL -- JSON
    ) STRICT;
    CREATE TABLE notices (
        n          INTEGER PRIMARY KEY AUTOINCREMENT, -- oldest first
        _id        TEXT NOT NULL UNIQUE,
        target_id  TEXT NOT NULL REFERENCES notice_targets (_id) ON DELETE CASCADE,
        event      TEXT NOT NULL,
        kind       TEXT NOT NULL,
        body       TEXT NOT NULL, -- JSON
        attempts   INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        due_at     INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX notices_target ON notices (target_id, n);
    CREATE INDEX notices_due ON notices (due_at);
    ",
];

/// Brings the file behind `connection` up to this version, all migrations or none.
///
/// Several processes may migrate concurrently: the first takes the lock, the others find the
/// migration done.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    apply(connection, path, MIGRATIONS)
}

/// Fails unless the file is exactly at this version.
pub(super) fn check(connection: &Connection) -> Result<(), Failure> {
    let (id, found) = (
        pragma(connection, "application_id")?,
        pragma(connection, "user_version")?,
    );
    let known = known(MIGRATIONS);
    if (id, found) == (APPLICATION_ID, known) {
        Ok(())
    } else {
        Err(Failure::OtherSchema { found, known })
    }
}

/// Fails unless the file is ours, or empty, and not newer than this version; changes nothing.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    // A single consistent state of the file: another process may be migrating the file.
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)
        .map_err(|error| OpenError::Store(Failure::from(error).at(path)))?;
    missing(&tx, path, MIGRATIONS).map(drop)
}

/// The migrations still to be done.
fn missing<'a>(
    connection: &Connection,
    path: &Path,
    steps: &'a [&'a str],
) -> Result<&'a [&'a str], OpenError> {
    let read = || -> Result<_, Failure> {
        let id = pragma(connection, "application_id")?;
        Ok((
            id == APPLICATION_ID || is_empty(connection)?,
            pragma(connection, "user_version")?,
        ))
    };
    let (is_ours, found) = read().map_err(|failure| OpenError::Store(failure.at(path)))?;
    let foreign = || OpenError::Foreign(path.to_owned());
    if !is_ours {
        return Err(foreign());
    }
    let done = usize::try_from(found).map_err(|_| foreign())?;
    let known = known(steps);
    steps.get(done..).ok_or_else(|| OpenError::Newer {
        path: path.to_owned(),
        found,
        known,
    })
}

fn apply(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Store(Failure::from(error).at(path));
    // Taken even without migrations: an unwritable file is refused here, with the reason.
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let missing = missing(&tx, path, steps)?;
    let run = || -> rusqlite::Result<()> {
        for step in missing {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", known(steps))
    };
    if !missing.is_empty() {
        run().map_err(failed)?;
    }
    tx.commit().map_err(failed)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a handful of steps"
)]
const fn known(steps: &[&str]) -> i32 {
    steps.len() as i32
}

fn pragma(connection: &Connection, name: &str) -> Result<i32, Failure> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
        [],
        |row| row.get(0),
    )
}

#[cfg(test)]
mod tests;
