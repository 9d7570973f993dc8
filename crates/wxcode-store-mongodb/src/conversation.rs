//! Copies of conversations: a head for each file, and its bytes in pieces.
//!
//! The head decides what is published. At an offset, the piece with the highest epoch up to the
//! head's counts: another writer may stage pieces, and publishes none.

use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Binary, Document, doc, spec::BinarySubtype},
    options::ReplaceOptions,
};
use uuid::Uuid;
use wxcode_core::id::Id;
use wxcode_store::{CopyFile, READ_MAX};

use crate::{
    failure::Failure,
    fields::{Fields, count, oid},
    records::{COPIES, Records},
};

/// The offset of a head, before all pieces.
const HEAD: i64 = -1;

fn head_id(project: Id, file: &CopyFile) -> String {
    format!("{project}/{}/{}", file.conversation, file.name)
}

pub(crate) async fn list(records: &Records, project: Id) -> Result<Vec<CopyFile>, Failure> {
    let filter = doc! { "output_project_id": oid(project), "offset": HEAD };
    let found = records.all(records.copies.find(filter)).await?;
    let mut files = found.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| (a.conversation, &a.name).cmp(&(b.conversation, &b.name)));
    Ok(files)
}

fn read(document: &Document) -> Result<CopyFile, Failure> {
    let fields = Fields::of(COPIES, document);
    let number = |path: &str| fields.required(path, fields.count(path)?);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    Ok(CopyFile {
        conversation: Uuid::try_parse(&text("conversation")?)
            .map_err(|_| fields.wrong("conversation", "is no claude session id"))?,
        name: text("name")?,
        version: number("version")?,
        len: number("len")?,
        epoch: number("epoch")?,
    })
}

pub(crate) async fn read_from(
    records: &Records,
    project: Id,
    file: &CopyFile,
    offset: u64,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut at = offset;
    if at >= file.len {
        return Ok(bytes);
    }
    let filter = doc! {
        "output_project_id": oid(project),
        "conversation": file.conversation.to_string(),
        "name": &file.name,
        "version": count(file.version)?,
        "offset": { "$gte": count(offset)? },
        "epoch": { "$lte": count(file.epoch)? },
    };
    let order = doc! { "offset": 1, "epoch": -1 };
    let query = records.copies.find(filter).sort(order).batch_size(16);
    let mut cursor = records.ask(query).await?;
    while at < file.len && bytes.len() < READ_MAX {
        let Some(piece) = records.ask(cursor.try_next()).await? else {
            break;
        };
        let fields = Fields::of(COPIES, &piece);
        if fields.count("offset")? != Some(at) {
            // Of an older writer.
            continue;
        }
        let Ok(found) = piece.get_binary_generic("bytes") else {
            return Err(fields.wrong("bytes", "is not binary"));
        };
        if fields.count("sum")? != Some(u64::from(crc32c::crc32c(found))) {
            return Err(fields.wrong(
                "sum",
                "is not the checksum of `bytes`: the piece is damaged",
            ));
        }
        let left = usize::try_from(file.len - at).unwrap_or(usize::MAX);
        let found = &found[..found.len().min(left)];
        bytes.extend_from_slice(found);
        at += found.len() as u64;
    }
    match bytes.is_empty() {
        true => Err(Failure::Corrupt(format!(
            "{COPIES}: the file {} of the conversation {} has no piece at byte {offset}; it is damaged, or was written anew meanwhile",
            file.name, file.conversation
        ))),
        false => Ok(bytes),
    }
}

pub(crate) async fn stage(
    records: &Records,
    project: Id,
    file: &CopyFile,
    bytes: &[u8],
) -> Result<(), Failure> {
    // Published bytes stay: such a piece could not be published either.
    let published = doc! {
        "_id": head_id(project, file),
        "version": count(file.version)?,
        "len": { "$gt": count(file.len)? },
    };
    if records
        .ask(records.copies.find_one(published))
        .await?
        .is_some()
    {
        return Ok(());
    }
    let id = format!(
        "{}/{}/{}/{}",
        head_id(project, file),
        file.version,
        file.len,
        file.epoch
    );
    let piece = doc! {
        "_id": &id,
        "output_project_id": oid(project),
        "conversation": file.conversation.to_string(),
        "name": &file.name,
        "version": count(file.version)?,
        "offset": count(file.len)?,
        "epoch": count(file.epoch)?,
        "sum": i64::from(crc32c::crc32c(bytes)),
        "bytes": Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() },
    };
    let options = ReplaceOptions::builder().upsert(true).build();
    let replace = records.copies.replace_one(doc! { "_id": id }, piece);
    records.ask(replace.with_options(options)).await.map(drop)
}

pub(crate) async fn publish(
    records: &Records,
    project: Id,
    old: Option<&CopyFile>,
    new: &CopyFile,
) -> Result<bool, Failure> {
    let id = head_id(project, new);
    let state = doc! {
        "version": count(new.version)?,
        "len": count(new.len)?,
        "epoch": count(new.epoch)?,
    };
    let Some(old) = old else {
        let mut head = doc! {
            "_id": &id,
            "output_project_id": oid(project),
            "conversation": new.conversation.to_string(),
            "name": &new.name,
            "offset": HEAD,
        };
        head.extend(state);
        return match records.ask(records.copies.insert_one(head)).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_duplicate() => is_there(records, &id, new).await,
            Err(failure) => Err(failure),
        };
    };
    let filter = doc! {
        "_id": &id,
        "version": count(old.version)?,
        "len": count(old.len)?,
        "epoch": { "$lte": count(new.epoch)? },
    };
    let changed = records
        .ask(records.copies.update_one(filter, doc! { "$set": state }))
        .await?;
    if changed.matched_count == 0 {
        return is_there(records, &id, new).await;
    }
    if old.version != new.version {
        let older = doc! {
            "output_project_id": oid(project),
            "conversation": new.conversation.to_string(),
            "name": &new.name,
            "version": { "$lt": count(new.version)? },
            "offset": { "$gte": 0 },
        };
        records.ask(records.copies.delete_many(older)).await?;
    }
    Ok(true)
}

/// Whether the file is published already: an answer may have been lost.
async fn is_there(records: &Records, id: &str, new: &CopyFile) -> Result<bool, Failure> {
    let found = records
        .ask(records.copies.find_one(doc! { "_id": id }))
        .await?;
    match found {
        Some(found) => Ok(read(&found)? == *new),
        None => Ok(false),
    }
}

pub(crate) async fn remove(records: &Records, project: Id) -> Result<(), Failure> {
    let filter = doc! { "output_project_id": oid(project) };
    records
        .ask(records.copies.delete_many(filter))
        .await
        .map(drop)
}
