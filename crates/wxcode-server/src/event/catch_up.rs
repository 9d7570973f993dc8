//! Publishes changes made without a server: compares the last published state with the store.

use std::collections::BTreeSet;

use wxcode_core::{event::Kind, id::Id};
use wxcode_store::{PAGE_MAX, Page, Result, Store};

use super::feed::Feed;

/// Publishes missing events. Adopted sessions publish their own.
pub(super) async fn catch_up(feed: &Feed, store: &dyn Store, project: Id) -> Result<()> {
    let metrics = feed.metrics();
    let Some(record) = metrics.timed("project", store.project(project)).await? else {
        return Ok(());
    };
    if feed.is_new() {
        feed.dedup(|dedup| dedup.begin(record.claude_session_history.len()));
    }
    feed.publish_conversations(&record);
    let mut open: BTreeSet<Id> = feed
        .dedup(|dedup| dedup.open_deliveries())
        .into_iter()
        .collect();
    for delivery in metrics
        .timed("open_deliveries", store.open_deliveries(project))
        .await?
    {
        open.remove(&delivery.id);
        feed.publish(Kind::from(&*delivery));
    }
    // Deliveries with an unpublished end.
    for id in open {
        if let Some(delivery) = metrics.timed("delivery", store.delivery(id)).await? {
            feed.publish(Kind::from(&delivery));
        }
    }
    let mut milestones = Vec::new();
    loop {
        let page = Page {
            skip: milestones.len() as u64,
            limit: PAGE_MAX,
        };
        let listing = store.milestones(project, None, page);
        let listing = metrics.timed("milestones", listing).await?;
        let is_last = listing.items.is_empty();
        milestones.extend(listing.items.into_iter().map(|listed| listed.record));
        if is_last || milestones.len() as u64 >= listing.total {
            break;
        }
    }
    feed.publish_all(feed.dedup(|dedup| dedup.milestones(&milestones)));
    Ok(())
}
