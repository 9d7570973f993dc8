//! Reads a project and its records with a single request: the project first, then the records.
//!
//! A round trip may take long, so a decision does not ask for each record alone.
//!
//! Invariant: the database reads a record after the project's change number. So a decision from
//! both holds if the commit finds the same number.

use mongodb::{
    Collection,
    bson::{Bson, Document, doc, oid::ObjectId},
};

use crate::{
    failure::Failure,
    fields::Fields,
    records::{DELIVERIES, MILESTONES, PROJECTS, Records},
};

/// The field of a project's change, which a reader carries out first.
const CHANGE: &str = "wxcode.work.change";
/// The lookup of the project itself, after its records.
const AFTER: &str = "after";

/// Records to be read together with their project, in this order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookups(Vec<(&'static str, &'static str, Document)>);

impl Lookups {
    /// Reads the records of a collection that these stages find.
    pub(crate) fn find(
        mut self,
        name: &'static str,
        from: &'static str,
        stages: impl IntoIterator<Item = Document>,
    ) -> Self {
        let stages: Vec<Document> = stages.into_iter().collect();
        let lookup = doc! { "from": from, "pipeline": stages, "as": field(name) };
        self.0.push((name, from, lookup));
        self
    }

    /// Reads the record with this id.
    pub(crate) fn id(self, name: &'static str, from: &'static str, id: ObjectId) -> Self {
        self.find(name, from, [doc! { "$match": { "_id": id } }])
    }

    /// Counts the records that match.
    pub(crate) fn count(self, name: &'static str, from: &'static str, filter: Document) -> Self {
        let stages = [doc! { "$match": filter }, doc! { "$count": "count" }];
        self.find(name, from, stages)
    }

    /// Reads the record whose id an earlier found record has at this path.
    pub(crate) fn linked(
        mut self,
        name: &'static str,
        from: &'static str,
        (record, path): (&'static str, &str),
    ) -> Self {
        let lookup = doc! {
            "from": from,
            "localField": format!("{}.{path}", field(record)),
            "foreignField": "_id",
            "as": field(name),
        };
        self.0.push((name, from, lookup));
        self
    }
}

fn field(name: &str) -> String {
    format!("found_{name}")
}

/// A project's document, in part, and the records found after it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) project: Document,
    /// The names of the lookups, with their collections.
    names: Vec<(&'static str, &'static str)>,
}

impl Found {
    /// The records of a lookup.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Document> {
        let found = self.project.get_array(field(name));
        let found = found.map_or(&[][..], Vec::as_slice);
        found.iter().filter_map(Bson::as_document)
    }

    /// The first record of a lookup.
    pub(crate) fn one(&self, name: &str) -> Option<&Document> {
        self.all(name).next()
    }

    /// The result of [`Lookups::count`].
    pub(crate) fn count(&self, name: &str) -> u64 {
        let count = self.one(name).and_then(|found| found.get("count"));
        let count = count.and_then(|count| match count {
            Bson::Int32(count) => u64::try_from(*count).ok(),
            Bson::Int64(count) => u64::try_from(*count).ok(),
            _ => None,
        });
        count.unwrap_or_default()
    }

    /// The largest number of a last change among the found records.
    pub(crate) fn latest(&self) -> Result<i64, Failure> {
        let mut latest = 0;
        for (name, from) in &self.names {
            let number = match *from {
                DELIVERIES => "change",
                MILESTONES => "wxcode.change",
                _ => continue,
            };
            for document in self.all(name) {
                let last = Fields::of(from, document).count(number)?;
                let last = last.and_then(|last| i64::try_from(last).ok());
                latest = latest.max(last.unwrap_or_default());
            }
        }
        Ok(latest)
    }
}

/// Reads a project, then its records; `None` without the project.
pub(crate) async fn read(
    records: &Records,
    project: ObjectId,
    lookups: &Lookups,
) -> Result<Option<Found>, Failure> {
    let work = doc! { "wxcode.work": 1, "wxcode.lease.epoch": 1, "status": 1 };
    let mut stages = vec![
        doc! { "$match": { "_id": project } },
        doc! { "$project": work },
    ];
    let lookup = |(_, _, lookup): &(_, _, Document)| doc! { "$lookup": lookup.clone() };
    stages.extend(lookups.0.iter().map(lookup));
    let mut found = records.all(records.projects.aggregate(stages)).await?;
    Ok(found.pop().map(|project| Found {
        project,
        names: lookups
            .0
            .iter()
            .map(|(name, from, _)| (*name, *from))
            .collect(),
    }))
}

/// Reads records of a project, then the project again. An unfinished change of the project is
/// carried out first. `None` without the project.
pub(crate) async fn whole(
    records: &Records,
    project: ObjectId,
    lookups: Lookups,
) -> Result<Option<Found>, Failure> {
    let stages = [
        doc! { "$match": { "_id": project } },
        doc! { "$project": { CHANGE: 1 } },
    ];
    let lookups = lookups.find(AFTER, PROJECTS, stages);
    loop {
        let Some(found) = read(records, project, &lookups).await? else {
            return Ok(None);
        };
        let Some(after) = found.one(AFTER) else {
            return Ok(None);
        };
        if !crate::change::settle(records, project, after).await? {
            return Ok(Some(found));
        }
    }
}

/// Reads more records of a project than one document may hold, then the project. An unfinished
/// change of the project is carried out first, and `read` repeated. `None` without the project.
pub(crate) async fn settled<T, F>(
    records: &Records,
    project: ObjectId,
    read: impl Fn() -> F,
) -> Result<Option<T>, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    loop {
        let found = read().await?;
        let after = records.projects.find_one(doc! { "_id": project });
        let after = records.ask(after.projection(doc! { CHANGE: 1 })).await?;
        let Some(after) = after else {
            return Ok(None);
        };
        if !crate::change::settle(records, project, &after).await? {
            return Ok(Some(found));
        }
    }
}

/// Reads a record by its id, then its project. An unfinished change of the project is carried out
/// first. `None` without the record or its project.
pub(crate) async fn record(
    records: &Records,
    collection: &Collection<Document>,
    id: ObjectId,
) -> Result<Option<Document>, Failure> {
    let of_record = doc! { "$match": { "$expr": { "$eq": ["$_id", "$$project"] } } };
    let lookup = doc! {
        "from": PROJECTS,
        "let": { "project": "$output_project_id" },
        "pipeline": [of_record, { "$project": { CHANGE: 1 } }],
        "as": field(AFTER),
    };
    loop {
        let stages = [
            doc! { "$match": { "_id": id } },
            doc! { "$lookup": lookup.clone() },
        ];
        let mut found = records.all(collection.aggregate(stages)).await?;
        let Some(record) = found.pop() else {
            return Ok(None);
        };
        let project = record.get_array(field(AFTER)).ok();
        let project = project.and_then(|found| found.first()?.as_document());
        let Some((project, id)) =
            project.and_then(|project| Some((project, project.get_object_id("_id").ok()?)))
        else {
            return Ok(None);
        };
        if !crate::change::settle(records, id, project).await? {
            return Ok(Some(record));
        }
    }
}
