//! Makes the indexes, all under names of our own: the first implementation makes other indexes, and
//! neither may disturb the other.

use mongodb::{
    Collection, IndexModel,
    bson::{Bson, Document, doc},
    options::IndexOptions,
};

use crate::{
    failure::Failure,
    open::{Duplicates, OpenError},
    records::{DELIVERIES, MILESTONES, Records},
    workspace,
};

/// Most groups of duplicates named in a report.
const NAMED_MAX: usize = 20;

/// Whether another program dropped an index of ours in the shared collections.
pub(crate) async fn are_missing(records: &Records) -> Result<bool, Failure> {
    let wanted: [(_, &[&str]); 2] = [
        (
            &records.projects,
            &[
                "wxcode_order",
                "wxcode_change",
                "wxcode_workspace",
                "wxcode_lease",
                "wxcode_owner",
                "wxcode_metered",
                "wxcode_path",
            ],
        ),
        (
            &records.milestones,
            &[
                "wxcode_order",
                "wxcode_status",
                "wxcode_reference",
                "wxcode_element",
            ],
        ),
    ];
    for (collection, names) in wanted {
        let found = match records.ask(collection.list_index_names()).await {
            // The collection is gone.
            Err(failure) if failure.is_missing() => return Ok(true),
            found => found?,
        };
        if names
            .iter()
            .any(|name| !found.iter().any(|found| found == name))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the missing indexes.
///
/// # Errors
/// [`Duplicates`] if existing documents contradict a unique index; nothing changes then.
pub(crate) async fn make(records: &Records) -> Result<(), OpenError> {
    let failed = |failure: Failure| OpenError::Store(failure.about(&records.address));
    let ordinary = [
        (
            &records.projects,
            plain("wxcode_order", doc! { "created_at": 1, "_id": 1 }),
        ),
        (
            &records.projects,
            partial(
                "wxcode_change",
                doc! { "wxcode.work.change.rev": 1 },
                doc! { "wxcode.work.change.rev": { "$exists": true } },
            ),
        ),
        (
            &records.projects,
            partial(
                "wxcode_lease",
                doc! { "wxcode.lease.term_ms": 1 },
                doc! { "wxcode.lease.term_ms": { "$gt": 0_i64 } },
            ),
        ),
        (
            &records.projects,
            partial(
                "wxcode_owner",
                doc! { "wxcode.lease.node.id": 1 },
                doc! { "wxcode.lease.term_ms": { "$gt": 0_i64 } },
            ),
        ),
        (
            &records.projects,
            plain("wxcode_path", doc! { "workspace_path": 1, "_id": 1 }),
        ),
        (
            &records.projects,
            partial(
                "wxcode_metered",
                doc! { "wxcode.settings.usage_metrics": 1, "created_at": 1, "_id": 1 },
                doc! { "wxcode.settings.usage_metrics": true },
            ),
        ),
        (
            &records.milestones,
            plain(
                "wxcode_order",
                doc! { "output_project_id": 1, "created_at": 1, "_id": 1 },
            ),
        ),
        (
            &records.milestones,
            plain(
                "wxcode_status",
                doc! { "output_project_id": 1, "status": 1, "created_at": 1, "_id": 1 },
            ),
        ),
        (
            &records.milestones,
            plain(
                "wxcode_reference",
                doc! { "output_project_id": 1, "element_id": 1, "_id": 1 },
            ),
        ),
        (
            &records.credentials,
            plain("kind", doc! { "kind": 1, "created_at": 1, "_id": 1 }),
        ),
        (
            &records.credentials,
            plain("project", doc! { "output_project_id": 1 }),
        ),
        (
            &records.credentials,
            plain("expiry", doc! { "expires_at": 1 }),
        ),
        (&records.notices, plain("due", doc! { "due_at": 1 })),
        (
            &records.notices,
            plain("order", doc! { "target_id": 1, "created_at": 1, "_id": 1 }),
        ),
        (
            &records.deliveries,
            plain("order", doc! { "output_project_id": 1, "n": 1 }),
        ),
        (
            &records.copies,
            plain(
                "place",
                doc! {
                    "output_project_id": 1,
                    "conversation": 1,
                    "name": 1,
                    "version": 1,
                    "offset": 1,
                    "epoch": -1,
                },
            ),
        ),
        (
            &records.deliveries,
            partial(
                "open",
                doc! { "open": 1, "output_project_id": 1, "n": 1 },
                doc! { "open": true },
            ),
        ),
    ];
    for (collection, index) in ordinary {
        records
            .ask(collection.create_index(index))
            .await
            .map_err(failed)?;
    }
    // Only this implementation writes the field, and only through this index.
    let mut folders = partial(
        "wxcode_workspace",
        doc! { workspace::FIELD: 1 },
        workspace::is_owned(),
    );
    if let Some(options) = &mut folders.options {
        options.unique = Some(true);
    }
    records
        .ask(records.projects.create_index(folders))
        .await
        .map_err(failed)?;
    let mut names = partial("token", doc! { "name": 1 }, doc! { "kind": "token" });
    if let Some(options) = &mut names.options {
        options.unique = Some(true);
    }
    records
        .ask(records.credentials.create_index(names))
        .await
        .map_err(failed)?;
    unique(
        records,
        &records.milestones,
        MILESTONES,
        ("wxcode_element", "wxcode.element"),
    )
    .await?;
    unique(
        records,
        &records.deliveries,
        DELIVERIES,
        ("key", "idempotency_key"),
    )
    .await
}

/// Makes the texts in `field` unique within a project.
async fn unique(
    records: &Records,
    collection: &Collection<Document>,
    name: &'static str,
    (index, field): (&str, &'static str),
) -> Result<(), OpenError> {
    let failed = |failure: Failure| OpenError::Store(failure.about(&records.address));
    let keys = doc! { "output_project_id": 1, field: 1 };
    let filter = doc! { field: { "$type": "string" } };
    let mut model = partial(index, keys, filter.clone());
    if let Some(options) = &mut model.options {
        options.unique = Some(true);
    }
    match records.ask(collection.create_index(model)).await {
        Ok(_) => return Ok(()),
        Err(failure) if failure.is_duplicate() => {}
        Err(failure) => return Err(failed(failure)),
    }
    let found = records
        .all(collection.aggregate([
            doc! { "$match": filter },
            doc! { "$group": {
                "_id": { "project": "$output_project_id", "value": format!("${field}") },
                "ids": { "$push": "$_id" },
                "count": { "$sum": 1 },
            } },
            doc! { "$match": { "count": { "$gt": 1 } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": i64::try_from(NAMED_MAX).unwrap_or(i64::MAX) },
        ]))
        .await
        .map_err(failed)?;
    Err(Duplicates {
        collection: name,
        field,
        groups: found.iter().map(group).collect(),
    }
    .into())
}

fn group(found: &Document) -> (String, String, Vec<String>) {
    let of = |name: &str| {
        let value = found
            .get_document("_id")
            .ok()
            .and_then(|group| group.get(name));
        value.map_or_else(String::new, shown)
    };
    let ids = found.get_array("ids");
    let ids = ids.map(|ids| ids.iter().map(shown).collect());
    (of("project"), of("value"), ids.unwrap_or_default())
}

fn shown(value: &Bson) -> String {
    match value {
        Bson::ObjectId(id) => id.to_hex(),
        Bson::String(text) => text.escape_debug().to_string(),
        other => other.to_string(),
    }
}

fn plain(name: &str, keys: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn partial(name: &str, keys: Document, filter: Document) -> IndexModel {
    let options = IndexOptions::builder()
        .name(name.to_owned())
        .partial_filter_expression(filter)
        .build();
    IndexModel::builder().keys(keys).options(options).build()
}
