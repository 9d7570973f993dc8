//! Promises about edits of a milestone's texts.

use wxcode_core::{
    delivery::DeliveryState,
    milestone::{
        CONTEXT_MAX, Milestone,
        MilestoneStatus::{Completed, Failed, InProgress, Pending},
        MovedBy,
    },
};

use super::{ALL, Records, sample};
use crate::{MilestoneEdit, MilestoneEdited};

/// An edit changes the named texts of a pending milestone, and nothing else: id, place, element and
/// earlier failure stay.
pub async fn an_edit_changes_only_named_texts(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    let before = Milestone {
        element_id: Some("e".to_owned()),
        status_by: Some(MovedBy::Delivery),
        status_reason: Some("the agent ended".to_owned()),
        context: Some("# Context".to_owned()),
        ..sample::milestone(project)
    };
    store.add_milestone(&before).await.unwrap();
    let later = sample::add_milestone(&*store, project).await;
    let long = "\u{1f980}".repeat(CONTEXT_MAX / 4);
    let mut expected = before;
    for (n, (name, context)) in [
        (Some("another"), None),
        (None, Some(Some("# Other"))),
        (None, Some(Some(long.as_str()))),
        (Some("größer ✓"), Some(Some("short again"))),
        (None, Some(None)),
    ]
    .into_iter()
    .enumerate()
    {
        let edit = MilestoneEdit {
            element_name: name.map(str::to_owned),
            context: context.map(|context| context.map(str::to_owned)),
            at: sample::at(10 + i64::try_from(n).unwrap()),
            fence: None,
        };
        expected = edit.of(&expected);
        let edited = store.edit_milestone(expected.id, &edit).await.unwrap();
        assert!(edited == MilestoneEdited::Done(expected.clone()), "{n}");
        assert!(other.milestone(expected.id).await.unwrap().as_ref() == Some(&expected));
        let listed = store.milestones(project, None, ALL).await.unwrap().items;
        let context = expected.context.as_deref().unwrap_or_default();
        assert_eq!(listed[0].text_bytes, context.len() as u64);
        assert_eq!(
            listed.iter().map(|one| one.id).collect::<Vec<_>>(),
            [expected.id, later]
        );
    }
    assert_eq!(expected.element_name, "größer ✓");
    assert_eq!(expected.context, None);
}

/// Only a pending milestone without a command on its way is edited; any other milestone stays
/// unchanged.
pub async fn only_a_pending_milestone_is_edited(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let edit = MilestoneEdit {
        element_name: Some("another".to_owned()),
        context: None,
        at: sample::at(50),
        fence: None,
    };
    for status in [InProgress, Completed, Failed] {
        let milestone = Milestone {
            status,
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        let edited = store.edit_milestone(milestone.id, &edit).await.unwrap();
        assert_eq!(edited, MilestoneEdited::NotPending(status));
        let kept = store.milestone(milestone.id).await.unwrap();
        assert_eq!(kept, Some(milestone));
    }
    let missing = store.edit_milestone(sample::id(), &edit).await.unwrap();
    assert_eq!(missing, MilestoneEdited::Missing);

    let id = sample::add_milestone(&*store, project).await;
    let waiting = sample::queue(&*store, &sample::start(project, id)).await;
    let edited = store.edit_milestone(id, &edit).await.unwrap();
    let MilestoneEdited::Done(edited) = edited else {
        panic!("{edited:?}");
    };
    assert_eq!(edited.delivery_id, Some(waiting.id));
    assert_eq!(
        store.delivery(waiting.id).await.unwrap().as_ref(),
        Some(&waiting)
    );
    sample::advance(&*store, &waiting, DeliveryState::Written).await;
    let late = MilestoneEdit {
        element_name: Some("too late".to_owned()),
        ..edit
    };
    assert_eq!(
        store.edit_milestone(id, &late).await.unwrap(),
        MilestoneEdited::NotPending(Pending)
    );
    assert_eq!(store.milestone(id).await.unwrap(), Some(edited));
}
