//! Credits: which milestone the entries of a planning folder belong to.

use std::collections::BTreeMap;

use wxcode_core::id::Id;

use super::record::Record;

/// The attribution of entries to milestones, as far as kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Credits {
    /// The milestone of each phase folder, also in the archive, by the folder's path below
    /// `.planning/`.
    pub(crate) phases: BTreeMap<String, Id>,
    /// Paths below `.planning/`, by milestone.
    pub(crate) created: BTreeMap<Id, Vec<String>>,
    /// Whether more entries exist than are kept.
    pub(crate) truncated: bool,
}

impl Credits {
    pub(super) fn of(record: &Record) -> Self {
        let phases = record.created().into_iter().flat_map(|(id, paths)| {
            paths.into_iter().filter_map(move |path| {
                let (parent, _) = path.rsplit_once('/')?;
                let is_phases = parent == "phases"
                    || parent.starts_with("milestones/") && parent.ends_with("-phases");
                is_phases.then(|| (path.to_owned(), id))
            })
        });
        let created = record.created().into_iter().map(|(id, paths)| {
            let paths = paths.into_iter().map(str::to_owned).collect();
            (id, paths)
        });
        Self {
            phases: phases.collect(),
            created: created.collect(),
            truncated: record.truncated,
        }
    }
}
