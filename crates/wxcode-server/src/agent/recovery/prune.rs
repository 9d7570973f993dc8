//! Removes the folders of old sessions and runs, in the background.

use std::sync::Arc;

use wxcode_core::id::Id;
use wxcode_holder::folder::State;

use crate::agent::{
    context::Context, metadata::Launch, process::Mode, recovery::deletion::discard,
    recovery::scan::scan, run::Run, slot::Slot,
};

/// Removes the folders of a project's ended sessions except the latest `kept`.
pub(in crate::agent) fn sessions(context: &Context, project: Id, kept: usize) {
    let data_dir = context.settings.data_dir.clone();
    tokio::task::spawn_blocking(move || {
        let Ok(found) = scan(&Mode::Interactive.root(&data_dir)) else {
            return;
        };
        let ended = found.into_iter().filter_map(|(id, dir, state)| {
            let launch = Launch::read(&dir).filter(|_| matches!(state, State::Exited(..)))?;
            (launch.metadata.project_id == project).then_some((launch.at, id, dir))
        });
        // Ids of two servers do not sort by time within a second.
        let mut ended: Vec<_> = ended.collect();
        ended.sort();
        for (.., dir) in ended.iter().rev().skip(kept) {
            discard(&data_dir, dir);
        }
    });
}

/// Forgets the ended runs of a project except the latest `kept`, and removes their folders.
pub(in crate::agent) fn runs(context: &Context, slot: &Slot, kept: usize) {
    let runs = slot.runs().into_iter();
    let over: Vec<Arc<Run>> = runs.filter(|run| run.is_over()).collect();
    let old = over.len().saturating_sub(kept);
    for run in over.into_iter().take(old) {
        slot.forget_run(run.id);
        let (data_dir, dir) = (context.settings.data_dir.clone(), run.dir.clone());
        tokio::task::spawn_blocking(move || discard(&data_dir, &dir));
    }
}
