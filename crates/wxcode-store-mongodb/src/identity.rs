//! The claude session ids of a project: the current id by compare-and-set in the first
//! implementation's field, the history next to it.

use std::path::Path;

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    identity::{HistoryEntry, Source, rotated},
    project::{HookCursor, OutputProject},
    time::to_millis,
};
use wxcode_store::{Reclaimed, Rotated, Rotation};

use crate::{
    failure::Failure,
    fields::{self, Fields, oid, time},
    lease::{self, EPOCH},
    records::{PROJECTS, Records},
};

/// The reason of an entry's end before an id of another program.
const REPLACED: &str = "replaced by another program";
const HISTORY: &str = "wxcode.identity.history";

/// The conversations of a project in the project's document.
pub(crate) struct Identity {
    pub(crate) current: Option<Uuid>,
    /// The history, with an entry for the current id also if another program set the id.
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) cursor: Option<HookCursor>,
    /// Whether another program wrote an earlier state over the current id.
    is_displaced: bool,
    /// The stored part of the history.
    kept: Vec<HistoryEntry>,
}

pub(crate) fn write(project: &OutputProject) -> Result<Document, Failure> {
    let history = project
        .claude_session_history
        .iter()
        .map(entry)
        .collect::<Result<Vec<_>, _>>()?;
    let mut identity = doc! { "history": history };
    if let Some(cursor) = project.identity_cursor {
        identity.insert("cursor", place(cursor)?);
    }
    Ok(identity)
}

pub(crate) fn read(
    fields: &Fields<'_>,
    created_at: Timestamp,
    updated_at: Timestamp,
) -> Result<Identity, Failure> {
    let kept = match fields.get(HISTORY) {
        None => Vec::new(),
        Some(Bson::Array(entries)) => entries
            .iter()
            .map(|entry| match entry {
                Bson::Document(entry) => read_entry(&fields.inside(entry)),
                _ => Err(fields.wrong(HISTORY, "holds an invalid entry")),
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(fields.wrong(HISTORY, "is no list")),
    };
    // Any other text is no claude session id and cannot be resumed: such a text counts as no id.
    let found = match fields.get("claude_session_id") {
        Some(Bson::String(text)) => Uuid::try_parse(text).ok(),
        _ => None,
    };
    let displaced = displaced(&kept, found);
    let current = displaced.or(found);
    let cursor = match (
        fields.id("wxcode.identity.cursor.session_id")?,
        fields.count("wxcode.identity.cursor.seq")?,
    ) {
        (Some(session_id), Some(seq)) => Some(HookCursor { session_id, seq }),
        _ => None,
    };
    let since = if kept.is_empty() {
        created_at
    } else {
        updated_at
    };
    Ok(Identity {
        current,
        history: adopted(kept.clone(), current, since),
        cursor,
        is_displaced: displaced.is_some(),
        kept,
    })
}

/// The current id of the history, if the document has an earlier id or none in place of the current
/// id.
///
/// Every change of ours writes current id and history in a single update. So an id of the history
/// other than the current id, and a missing id, come from a program that saved a stale read. An id
/// unknown to the history is a new conversation of the other program.
fn displaced(kept: &[HistoryEntry], found: Option<Uuid>) -> Option<Uuid> {
    let current = kept.last().filter(|entry| entry.until.is_none())?.id;
    let is_stale =
        found.is_none_or(|found| found != current && kept.iter().any(|entry| entry.id == found));
    is_stale.then_some(current)
}

/// The history with the later changes of another program to the current id.
fn adopted(
    mut history: Vec<HistoryEntry>,
    current: Option<Uuid>,
    at: Timestamp,
) -> Vec<HistoryEntry> {
    let last = history.last().filter(|entry| entry.until.is_none());
    if last.map(|entry| entry.id) == current {
        return history;
    }
    let Some(current) = current else {
        return history;
    };
    history = rotated(history, current, Source::Startup, REPLACED, None, at);
    if let Some(entry) = history.last_mut() {
        // The other program captured the id from a run, and a run has a prompt.
        entry.spoke = true;
    }
    history
}

/// Writes the current id of the history back over an earlier state; `None` if the document has the
/// current id.
pub(crate) async fn reclaim(records: &Records, project: Id) -> Result<Option<Reclaimed>, Failure> {
    let _turn = records.turn(oid(project)).await;
    loop {
        let Some(document) = find(records, project).await? else {
            return Ok(None);
        };
        let fields = Fields::of(PROJECTS, &document);
        let identity = read_alone(&fields, &document)?;
        let Some(current) = identity.current.filter(|_| identity.is_displaced) else {
            return Ok(None);
        };
        let found = match fields.get("claude_session_id") {
            Some(Bson::String(text)) => Uuid::try_parse(text).ok(),
            _ => None,
        };
        if change(
            records,
            &fields,
            doc! { "claude_session_id": current.to_string() },
        )
        .await?
        {
            return Ok(Some(Reclaimed { current, found }));
        }
    }
}

pub(crate) async fn rotate(
    records: &Records,
    project: Id,
    rotation: &Rotation,
    again: bool,
) -> Result<Rotated, Failure> {
    if rotation.old.is_none() && set_first(records, project, rotation).await? {
        return Ok(Rotated::Won);
    }
    let _turn = records.turn(oid(project)).await;
    loop {
        let Some(document) = find(records, project).await? else {
            return Ok(Rotated::NoProject);
        };
        let fields = Fields::of(PROJECTS, &document);
        let identity = read_alone(&fields, &document)?;
        let current = identity.current;
        if again && current == Some(rotation.new) && is_of(rotation, &identity) {
            return Ok(Rotated::Won);
        }
        let is_counted = rotation
            .cursor
            .is_some_and(|cursor| cursor.is_behind(identity.cursor));
        if lease::is_later(fields.count(EPOCH)?, rotation.fence) {
            return Ok(Rotated::Fenced);
        }
        if current != rotation.old || is_counted {
            return Ok(Rotated::Lost(current));
        }
        let history = rotated(
            identity.history.clone(),
            rotation.new,
            rotation.source,
            &rotation.reason,
            rotation.transcript_path.clone(),
            rotation.at,
        );
        let mut set = difference(&identity.kept, &history)?;
        set.insert("claude_session_id", rotation.new.to_string());
        if let Some(cursor) = rotation.cursor {
            set.insert("wxcode.identity.cursor", place(cursor)?);
        }
        if change_under(records, &fields, set, rotation.fence).await? {
            return Ok(Rotated::Won);
        }
    }
}

/// The single conditional update of most projects: set the first id if there never was an id.
async fn set_first(records: &Records, project: Id, rotation: &Rotation) -> Result<bool, Failure> {
    let first = rotated(
        Vec::new(),
        rotation.new,
        rotation.source,
        &rotation.reason,
        rotation.transcript_path.clone(),
        rotation.at,
    );
    let mut set = difference(&[], &first)?;
    set.insert("claude_session_id", rotation.new.to_string());
    if let Some(cursor) = rotation.cursor {
        set.insert("wxcode.identity.cursor", place(cursor)?);
    }
    // Null also matches a missing field: older documents have none.
    let mut filter = doc! {
        "_id": oid(project),
        "claude_session_id": null,
        "wxcode.identity.history.0": { "$exists": false },
        "wxcode.identity.cursor": null,
    };
    if let Some(fence) = rotation.fence {
        filter.insert(EPOCH, lease::up_to(fence)?);
    }
    let update = doc! { "$set": set, "$inc": { "wxcode.identity.rev": 1_i64 } };
    let changed = records
        .ask(records.projects.update_one(filter, update))
        .await?;
    Ok(changed.modified_count > 0)
}

pub(crate) async fn note(
    records: &Records,
    project: Id,
    (conversation, spoke, transcript_path): (Uuid, bool, Option<&Path>),
    fence: Option<u64>,
) -> Result<bool, Failure> {
    let _turn = records.turn(oid(project)).await;
    loop {
        let Some(document) = find(records, project).await? else {
            return Ok(false);
        };
        let fields = Fields::of(PROJECTS, &document);
        if lease::is_later(fields.count(EPOCH)?, fence) {
            return Ok(false);
        }
        let identity = read_alone(&fields, &document)?;
        let mut history = identity.history;
        let latest = history.iter_mut().rev().find(|e| e.id == conversation);
        let Some(latest) = latest else {
            return Ok(false);
        };
        latest.spoke |= spoke;
        if let Some(path) = transcript_path {
            latest.transcript_path = Some(path.to_owned());
        }
        let set = difference(&identity.kept, &history)?;
        if set.is_empty() || change_under(records, &fields, set, fence).await? {
            return Ok(true);
        }
    }
}

/// Reads the conversations of a project, and nothing else of the project's document.
async fn find(records: &Records, project: Id) -> Result<Option<Document>, Failure> {
    let fields = doc! {
        "claude_session_id": 1,
        "wxcode.identity": 1,
        "wxcode.lease.epoch": 1,
        "created_at": 1,
        "updated_at": 1,
    };
    records
        .ask(
            records
                .projects
                .find_one(doc! { "_id": oid(project) })
                .projection(fields),
        )
        .await
}

fn read_alone(fields: &Fields<'_>, document: &Document) -> Result<Identity, Failure> {
    let created_at = match fields.time("created_at")? {
        Some(at) => at,
        None => crate::project::born(document)?,
    };
    let updated_at = fields.time("updated_at")?.unwrap_or(created_at);
    read(fields, created_at, updated_at)
}

/// Writes `set` if the identity is unchanged since the read; true if so.
async fn change(records: &Records, read: &Fields<'_>, set: Document) -> Result<bool, Failure> {
    change_under(records, read, set, None).await
}

/// The same, if the project's lease still has this epoch.
async fn change_under(
    records: &Records,
    read: &Fields<'_>,
    set: Document,
    fence: Option<u64>,
) -> Result<bool, Failure> {
    let mut filter = doc! {
        "_id": read.get("_id").cloned(),
        "claude_session_id": read.get("claude_session_id").cloned(),
        "wxcode.identity.rev": read.get("wxcode.identity.rev").cloned(),
    };
    if let Some(fence) = fence {
        filter.insert(EPOCH, lease::up_to(fence)?);
    }
    let update = doc! { "$set": set, "$inc": { "wxcode.identity.rev": 1_i64 } };
    let changed = records
        .ask(records.projects.update_one(filter, update))
        .await?;
    Ok(changed.modified_count > 0)
}

/// Whether `rotation` made the current entry.
fn is_of(rotation: &Rotation, identity: &Identity) -> bool {
    identity.kept.last().is_some_and(|entry| {
        entry.id == rotation.new
            && entry.since == to_millis(rotation.at)
            && entry.source == rotation.source
    })
}

/// The values to set in a document with the entries `kept` to get `wanted`; entries are added and
/// changed, never removed.
fn difference(kept: &[HistoryEntry], wanted: &[HistoryEntry]) -> Result<Document, Failure> {
    let mut set = Document::new();
    if kept.is_empty() {
        let all: Vec<_> = wanted.iter().map(entry).collect::<Result<_, _>>()?;
        if !all.is_empty() {
            set.insert(HISTORY, all);
        }
        return Ok(set);
    }
    for (number, wanted) in wanted.iter().enumerate() {
        let new = entry(wanted)?;
        match kept.get(number) {
            None => drop(set.insert(format!("{HISTORY}.{number}"), new)),
            Some(kept) => {
                let kept = entry(kept)?;
                for (name, value) in new {
                    if kept.get(&name) != Some(&value) {
                        set.insert(format!("{HISTORY}.{number}.{name}"), value);
                    }
                }
            }
        }
    }
    Ok(set)
}

fn entry(entry: &HistoryEntry) -> Result<Document, Failure> {
    Ok(doc! {
        "id": entry.id.to_string(),
        "since": time(entry.since),
        "until": entry.until.map(time),
        "source": entry.source.as_str(),
        "reason": entry.reason.clone(),
        "transcript_path": entry.transcript_path.as_deref().map(fields::path).transpose()?,
        "spoke": entry.spoke,
    })
}

fn read_entry(fields: &Fields<'_>) -> Result<HistoryEntry, Failure> {
    let id = fields.required("id", fields.text("id")?)?;
    Ok(HistoryEntry {
        id: Uuid::try_parse(&id).map_err(|_| fields.wrong("id", "is no claude session id"))?,
        since: fields.required("since", fields.time("since")?)?,
        until: fields.time("until")?,
        source: fields.word("source")?,
        reason: fields.text("reason")?,
        transcript_path: fields.text("transcript_path")?.map(Into::into),
        spoke: fields.flag("spoke")?,
    })
}

fn place(cursor: HookCursor) -> Result<Document, Failure> {
    Ok(doc! { "session_id": oid(cursor.session_id), "seq": fields::count(cursor.seq)? })
}
