//! Promises about long texts: lists carry the beginnings, single records the whole.

use wxcode_core::{
    delivery::{DeliveryState, TEXT_MAX},
    excerpt::{BEGINNING_MAX, Excerpt},
    milestone::{CONTEXT_MAX, Milestone},
};

use super::{ALL, Records, sample};
use crate::Next;

/// Texts around the bound, in characters of several lengths, and the longest text.
fn texts(longest: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for character in ["x", "é", "漢", "\u{1f980}"] {
        for count in [1, BEGINNING_MAX - 1, BEGINNING_MAX, BEGINNING_MAX + 1] {
            texts.push(character.repeat(count));
        }
    }
    texts.push("\0".repeat(BEGINNING_MAX + 1));
    texts.push("y".repeat(longest));
    texts
}

#[track_caller]
fn check<T>(listed: &Excerpt<T>, text: &str, whole: &str) {
    let beginning: String = whole.chars().take(BEGINNING_MAX).collect();
    assert!(text == beginning, "of {} bytes: {text}", whole.len());
    assert_eq!(listed.text_bytes, whole.len() as u64);
    assert_eq!(listed.is_truncated, text != whole);
}

/// Lists carry the beginnings of delivery texts; a single or the next delivery is whole.
pub async fn deliveries_are_listed_by_their_beginnings(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut queued = Vec::new();
    for text in texts(TEXT_MAX) {
        queued.push(sample::queue(&*store, &sample::text(project, &text)).await);
    }
    let listed = store.deliveries(project, ALL).await.unwrap().items;
    let open = store.open_deliveries(project).await.unwrap();
    assert_eq!(listed, open);
    assert_eq!(listed.len(), queued.len());
    for (listed, whole) in listed.iter().zip(&queued) {
        check(listed, &listed.text, &whole.text);
        let alone = store.delivery(whole.id).await.unwrap();
        assert!(alone.as_ref() == Some(whole));
    }
    for whole in &queued {
        let next = store.next_delivery(project, sample::now()).await.unwrap();
        assert!(next.delivery.as_ref() == Some(whole), "the first open one");
        let over = sample::advance(&*store, whole, DeliveryState::Failed).await;
        assert!(over.text == whole.text);
    }
    for project in [project, sample::id()] {
        let next = store.next_delivery(project, sample::now()).await.unwrap();
        assert_eq!(next, Next::default());
    }
}

/// Lists carry the beginnings of milestone contexts; a single milestone is whole.
pub async fn milestones_are_listed_by_their_beginnings(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let contexts = texts(CONTEXT_MAX).into_iter().map(Some);
    let mut added = Vec::new();
    for (context, number) in contexts.chain([None]).zip(0..) {
        let milestone = Milestone {
            context,
            created_at: sample::at(number),
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        added.push(milestone);
    }
    let listed = store.milestones(project, None, ALL).await.unwrap().items;
    assert_eq!(listed.len(), added.len());
    for (listed, whole) in listed.iter().zip(&added) {
        assert_eq!(listed.context.is_some(), whole.context.is_some());
        let beginning = listed.context.as_deref().unwrap_or_default();
        check(
            listed,
            beginning,
            whole.context.as_deref().unwrap_or_default(),
        );
        let alone = store.milestone(whole.id).await.unwrap();
        assert!(alone.as_ref() == Some(whole));
    }
}
