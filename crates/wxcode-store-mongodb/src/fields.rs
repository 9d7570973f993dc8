//! Converts records to documents and back: ids, times, counts, words and paths, checked both ways.

use std::{path::Path, str::FromStr, time::Duration};

use jiff::Timestamp;
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use serde::{
    Deserialize,
    de::value::{Error as WordError, StrDeserializer},
};
use wxcode_core::id::Id;

use crate::failure::Failure;

/// The reference for the first implementation where a reference is required, and ours has no form
/// for it.
pub(crate) const NO_REFERENCE: ObjectId = ObjectId::from_bytes([0; 12]);

pub(crate) fn oid(id: Id) -> ObjectId {
    ObjectId::from_bytes(id.bytes())
}

pub(crate) fn time(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

pub(crate) fn count(value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| {
        Failure::Refused(format!(
            "the number {value} is too large: use one below 2^63"
        ))
    })
}

/// A duration, in milliseconds.
pub(crate) fn millis(value: Duration) -> Result<i64, Failure> {
    count(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn path(value: &Path) -> Result<&str, Failure> {
    value.to_str().ok_or_else(|| {
        Failure::Refused(format!(
            "the path {} is not valid UTF-8: rename the folder",
            value.display()
        ))
    })
}

/// Returns a reference in the first implementation's form, if there is such a form.
pub(crate) fn reference(text: Option<&str>) -> ObjectId {
    // An id is in lower case; another spelling must come back unchanged.
    text.and_then(|text| {
        let id = ObjectId::from_str(text).ok()?;
        (id.to_hex() == text).then_some(id)
    })
    .unwrap_or(NO_REFERENCE)
}

/// A document, or a nested document, being read.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    collection: &'static str,
    id: Option<ObjectId>,
    document: &'a Document,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(collection: &'static str, document: &'a Document) -> Self {
        Self {
            collection,
            id: document.get_object_id("_id").ok(),
            document,
        }
    }

    /// The value at a dotted `path`; `None` also for null.
    pub(crate) fn get(&self, path: &str) -> Option<&'a Bson> {
        let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
        let inner = parents
            .split('.')
            .filter(|parent| !parent.is_empty())
            .try_fold(self.document, |document, parent| {
                document.get_document(parent).ok()
            })?;
        inner.get(name).filter(|value| **value != Bson::Null)
    }

    /// A nested document.
    pub(crate) fn inside(&self, document: &'a Document) -> Self {
        Self { document, ..*self }
    }

    pub(crate) fn wrong(&self, path: &str, what: &str) -> Failure {
        let id = self.id.map_or_else(String::new, ObjectId::to_hex);
        Failure::Corrupt(format!(
            "`{path}` of document {id} in the collection {} {what}",
            self.collection
        ))
    }

    pub(crate) fn required<T>(&self, path: &str, value: Option<T>) -> Result<T, Failure> {
        value.ok_or_else(|| self.wrong(path, "is missing"))
    }

    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        match self.get(path) {
            None => Ok(None),
            Some(Bson::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(path, "is no text")),
        }
    }

    pub(crate) fn id(&self, path: &str) -> Result<Option<Id>, Failure> {
        match self.get(path) {
            None => Ok(None),
            Some(Bson::ObjectId(id)) => Ok(Some(Id::from_bytes(id.bytes()))),
            Some(_) => Err(self.wrong(path, "is no id")),
        }
    }

    pub(crate) fn time(&self, path: &str) -> Result<Option<Timestamp>, Failure> {
        match self.get(path) {
            None => Ok(None),
            Some(Bson::DateTime(at)) => Timestamp::from_millisecond(at.timestamp_millis())
                .map(Some)
                .map_err(|_| self.wrong(path, "is a time out of range")),
            Some(_) => Err(self.wrong(path, "is no time")),
        }
    }

    pub(crate) fn count(&self, path: &str) -> Result<Option<u64>, Failure> {
        let number = match self.get(path) {
            None => return Ok(None),
            Some(Bson::Int32(number)) => i64::from(*number),
            Some(Bson::Int64(number)) => *number,
            Some(_) => return Err(self.wrong(path, "is no whole number")),
        };
        u64::try_from(number)
            .map(Some)
            .map_err(|_| self.wrong(path, "is negative"))
    }

    pub(crate) fn flag(&self, path: &str) -> Result<bool, Failure> {
        match self.get(path) {
            None => Ok(false),
            Some(Bson::Boolean(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(path, "is neither true nor false")),
        }
    }

    /// An enum's word.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Failure> {
        let text = self.required(path, self.text(path)?)?;
        T::deserialize(StrDeserializer::<WordError>::new(&text))
            .map_err(|_| self.wrong(path, &format!("is the unknown word `{text}`")))
    }

    /// A reference in any stored form: an id, a text, or a document with the collection's name.
    pub(crate) fn reference(&self, path: &str) -> Option<String> {
        match self.get(path)? {
            Bson::ObjectId(id) => Some(id.to_hex()),
            Bson::String(text) => Some(text.clone()),
            Bson::Document(reference) => match reference.get("$id")? {
                Bson::ObjectId(id) => Some(id.to_hex()),
                Bson::String(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The documents with this type of value in a field, or without the field.
pub(crate) fn optional(field: &str, kind: &str) -> Document {
    doc! { "$or": [{ field: null }, { field: { "$type": kind } }] }
}

/// Whether the operation with this mark made a document.
pub(crate) fn is_made_by(document: &Document, mark: ObjectId) -> bool {
    let ours = document.get_document("wxcode");
    ours.is_ok_and(|ours| ours.get_object_id("made").is_ok_and(|made| made == mark))
}

/// Whether the operation with this mark was the last to change a document, by the field at `path`.
pub(crate) fn is_marked(document: &Document, path: &str, mark: ObjectId) -> bool {
    Fields::of("", document).get(path) == Some(&Bson::ObjectId(mark))
}
