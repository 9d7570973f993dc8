//! Promises about leases. Leases hold no time: no clock of a store or server decides on the owner.

use std::time::Duration;

use uuid::Uuid;
use wxcode_core::{
    delivery::DeliveryState,
    id::Id,
    lease::{Claim, Lease, Node, Tenure, claim},
    milestone::MilestoneStatus,
    project::ProjectStatus,
    time::Moment,
};

use super::{
    Records,
    runners::{RUNNERS, duel, only, race},
    sample,
};
use crate::{
    Added, Edit, Edited, MilestoneEdit, MilestoneEdited, Moved, NewDelivery, Queued, Removed,
    Rotated, Rotation, Step, Swapped,
};

fn node(name: &str) -> Node {
    Node {
        id: Uuid::new_v4(),
        name: name.to_owned(),
    }
}

/// The lease of `node` in place of an observed lease, after the waiting time.
fn taken(read: Option<&Lease>, node: &Node) -> Lease {
    match claim(read, node, Duration::MAX, Duration::from_secs(60)) {
        Claim::Take(lease) => lease,
        held @ Claim::Held { .. } => panic!("{held:?}"),
    }
}

/// Under an older epoch than the lease's, no delivery, conversation, milestone and status changes.
pub async fn an_old_epoch_changes_nothing(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let queued = sample::queue(&*store, &sample::text(project, "text")).await;
    let first = taken(None, &node("a"));
    store.swap_lease(project, None, &first).await.unwrap();
    let second = taken(Some(&first), &node("b"));
    let swapped = store.swap_lease(project, Some(&first), &second).await;
    assert_eq!(swapped.unwrap(), Swapped::Won);
    let id = Uuid::new_v4();
    for (fence, counts) in [(first.epoch, false), (second.epoch, true)] {
        let fence = Some(fence);
        let step = Step {
            fence,
            ..sample::step(&queued, DeliveryState::Written)
        };
        let stepped = store.step(&step).await.unwrap();
        assert_eq!(stepped.is_some(), counts, "{fence:?}");
        let kept = store.delivery(queued.id).await.unwrap().unwrap();
        assert_eq!(kept.version > queued.version, counts, "{fence:?}");
        let rotation = Rotation {
            fence,
            ..sample::rotation(None, id)
        };
        let rotated = store.rotate(project, &rotation).await.unwrap();
        let expected = match counts {
            true => Rotated::Won,
            false => Rotated::Fenced,
        };
        assert_eq!(rotated, expected, "{fence:?}");
        let project = store.project(project).await.unwrap().unwrap();
        assert_eq!(project.claude_session_id.is_some(), counts, "{fence:?}");
    }
    // A user's texts, and changes of them, too.
    let waits = sample::queue(&*store, &sample::text(project, "waits")).await;
    for (fence, counts) in [(first.epoch, false), (second.epoch, true)] {
        let fence = Some(fence);
        let before = store.delivery(waits.id).await.unwrap().unwrap();
        let new = NewDelivery {
            fence,
            ..sample::text(project, "new")
        };
        let queued = store.queue(&new).await.unwrap();
        assert_eq!(queued == Queued::Fenced, !counts, "{queued:?}");
        let kept = store.delivery(new.id).await.unwrap();
        assert_eq!(kept.is_some(), counts, "{fence:?}");
        let edit = Edit {
            id: waits.id,
            output_project_id: project,
            text: Some("edited".to_owned()),
            not_before: None,
            before: None,
            at: sample::at(40),
            fence,
        };
        let edited = store.edit(&edit).await.unwrap();
        assert_eq!(edited == Edited::Fenced, !counts, "{edited:?}");
        let after = store.delivery(waits.id).await.unwrap().unwrap();
        assert_eq!(after != before, counts, "{fence:?}");
    }
    // Notes about the conversation too.
    for (fence, counts) in [(first.epoch, false), (second.epoch, true)] {
        let path = Some("/t".into());
        let noted = store.note_conversation(project, id, true, path, Some(fence));
        assert_eq!(noted.await.unwrap(), counts, "{fence:?}");
        let kept = store.project(project).await.unwrap().unwrap();
        let entry = kept.claude_session_history.last().unwrap();
        assert_eq!(
            (entry.spoke, entry.transcript_path.is_some()),
            (counts, counts)
        );
    }
    // Milestones and the project's status too.
    let milestone = sample::milestone(project);
    assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
    let (pending, failed) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
    let (created, initialized) = (ProjectStatus::Created, ProjectStatus::Initialized);
    for (fence, counts) in [(first.epoch, false), (second.epoch, true)] {
        let fence = Some(fence);
        let moved = Moved {
            fence,
            ..sample::moved(20)
        };
        let moved = store.advance_milestone(milestone.id, pending, failed, &moved);
        assert_eq!(moved.await.unwrap().is_some(), counts, "{fence:?}");
        let kept = store.milestone(milestone.id).await.unwrap().unwrap();
        assert_eq!(kept.status == failed, counts, "{fence:?}");
        let advanced = store.advance_project(project, created, initialized, sample::at(21), fence);
        assert_eq!(advanced.await.unwrap(), counts, "{fence:?}");
        let kept = store.project(project).await.unwrap().unwrap();
        assert_eq!(kept.status == initialized, counts, "{fence:?}");
    }
    let editable = sample::add_milestone(&*store, project).await;
    for (fence, counts) in [(first.epoch, false), (second.epoch, true)] {
        let edit = MilestoneEdit {
            element_name: Some("another".to_owned()),
            context: None,
            at: sample::at(22),
            fence: Some(fence),
        };
        let edited = store.edit_milestone(editable, &edit).await.unwrap();
        assert_eq!(edited != MilestoneEdited::Fenced, counts, "{fence}");
        let kept = store.milestone(editable).await.unwrap().unwrap();
        assert_eq!(kept.element_name == "another", counts, "{fence}");
    }
    let removable = sample::milestone(project);
    store.add_milestone(&removable).await.unwrap();
    for (fence, expected) in [
        (first.epoch, Removed::Fenced),
        (second.epoch, Removed::Removed),
    ] {
        let removed = store.remove_milestone(removable.id, sample::at(22), Some(fence));
        assert_eq!(removed.await.unwrap(), expected, "{fence}");
        let kept = store.milestone(removable.id).await.unwrap();
        assert_eq!(kept.is_some(), expected == Removed::Fenced, "{fence}");
    }
    // The next conversation too.
    let next = Rotation {
        fence: Some(first.epoch),
        ..sample::rotation(Some(id), Uuid::new_v4())
    };
    let rotated = store.rotate(project, &next).await.unwrap();
    assert_eq!(rotated, Rotated::Fenced);
}

/// A new project has no lease, and neither has a missing project.
pub async fn a_new_project_has_no_lease(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    assert_eq!(store.lease(project).await.unwrap(), None);
    let lease = taken(None, &node("a"));
    let missing = sample::id();
    assert_eq!(store.lease(missing).await.unwrap(), None);
    let swapped = store.swap_lease(missing, None, &lease).await.unwrap();
    assert_eq!(swapped, Swapped::NoProject);
    // The lease of a removed project is gone.
    let swapped = store.swap_lease(project, None, &lease).await.unwrap();
    assert_eq!(swapped, Swapped::Won);
    assert!(store.remove_project(project).await.unwrap());
    assert_eq!(store.lease(project).await.unwrap(), None);
    let swapped = store.swap_lease(project, Some(&lease), &lease).await;
    assert_eq!(swapped.unwrap(), Swapped::NoProject);
}

/// Only the right epoch and renewal count replace a lease, and every store reads the lease back
/// whole.
pub async fn replacing_needs_the_known_lease(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    let before = store.project(project).await.unwrap();
    let (a, b) = (node("a"), node("knöten \u{1f980}, \"b\".$x"));
    let first = taken(None, &a);
    let held = Tenure::new(first.clone(), Moment::default());
    let (renewed, free) = (held.next(), held.given_back());
    let theirs = taken(Some(&renewed), &b);
    let large = Lease {
        epoch: (1 << 63) - 1,
        beat: 1 << 40,
        ..theirs.clone()
    };
    let mut recorded: Option<Lease> = None;
    for (old, new, wins) in [
        (Some(&first), &renewed, false),
        (None, &first, true),
        (None, &theirs, false),
        (Some(&first), &renewed, true),
        (Some(&first), &free, false),
        (Some(&theirs), &first, false),
        (Some(&renewed), &theirs, true),
        (Some(&theirs), &large, true),
        (Some(&large), &free, true),
    ] {
        let swapped = store.swap_lease(project, old, new).await.unwrap();
        if wins {
            assert_eq!(swapped, Swapped::Won, "{old:?}");
            recorded = Some(new.clone());
        } else {
            assert_eq!(swapped, Swapped::Lost(recorded.clone()), "{old:?}");
        }
        assert_eq!(other.lease(project).await.unwrap(), recorded);
    }
    assert_eq!(store.project(project).await.unwrap(), before);
}

/// Of many nodes a single node gets a free lease, and the others learn the owner.
pub async fn one_of_64_acquires_a_lease(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    one_takes_over(records, project, None).await;
}

/// Of many nodes a single node takes a silent owner's lease, again and again, and a late renewal
/// fails.
pub async fn one_of_64_takes_a_lease_over(records: &impl Records) {
    let store = records.open().await;
    let project = sample::add_project(&*store).await;
    let mut old = None;
    for _ in 0..3 {
        let before: Option<Lease> = old.clone();
        let now = one_takes_over(records, project, before.as_ref()).await;
        if let Some(before) = before {
            let late = Tenure::new(before.clone(), Moment::default()).next();
            let swapped = store.swap_lease(project, Some(&before), &late).await;
            assert_eq!(swapped.unwrap(), Swapped::Lost(Some(now.clone())));
        }
        old = Some(now);
    }
}

async fn one_takes_over(records: &impl Records, project: Id, old: Option<&Lease>) -> Lease {
    let wanted: Vec<Lease> = (0..RUNNERS)
        .map(|number| taken(old, &node(&number.to_string())))
        .collect();
    let answers = race(records, |store, number| {
        let (old, new) = (old.cloned(), wanted[number].clone());
        async move { store.swap_lease(project, old.as_ref(), &new).await.unwrap() }
    })
    .await;
    let winner = wanted[only(&answers, |answer| *answer == Swapped::Won)].clone();
    let lost = Swapped::Lost(Some(winner.clone()));
    let losers = answers.iter().filter(|answer| **answer == lost).count();
    assert_eq!(losers, RUNNERS - 1, "the losers learn the owner");
    winner
}

/// A late renewal loses the lease, a timely renewal keeps the lease: never both.
pub async fn a_lease_is_renewed_or_taken(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    for _ in 0..40 {
        let project = sample::add_project(&*store).await;
        let held = taken(None, &node("a"));
        store.swap_lease(project, None, &held).await.unwrap();
        let (renewed, theirs) = (
            Tenure::new(held.clone(), Moment::default()).next(),
            taken(Some(&held), &node("b")),
        );
        let (old, also) = (held.clone(), held.clone());
        let (first, second) = (store.clone(), other.clone());
        let (mine, new) = (renewed.clone(), theirs.clone());
        let answers = duel(
            async move { first.swap_lease(project, Some(&old), &mine).await.unwrap() },
            async move { second.swap_lease(project, Some(&also), &new).await.unwrap() },
        )
        .await;
        match answers {
            (Swapped::Won, Swapped::Lost(Some(owner))) => assert_eq!(owner, renewed),
            (Swapped::Lost(Some(owner)), Swapped::Won) => assert_eq!(owner, theirs),
            both => panic!("{both:?}"),
        }
    }
}

/// The lease and the project's other records do not undo each other.
pub async fn renewals_disturb_no_other_change(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let project = sample::add_project(&*store).await;
    let mut held = taken(None, &node("a"));
    store.swap_lease(project, None, &held).await.unwrap();
    let renewing = async move {
        for _ in 0..60 {
            let next = Tenure::new(held.clone(), Moment::default()).next();
            let swapped = store.swap_lease(project, Some(&held), &next).await;
            assert_eq!(swapped.unwrap(), Swapped::Won);
            held = next;
        }
        held
    };
    let rotating = async move {
        let mut current = None;
        for number in 0..30 {
            let new = Uuid::new_v4();
            let rotated = other.rotate(project, &sample::rotation(current, new)).await;
            assert_eq!(rotated.unwrap(), Rotated::Won);
            current = Some(new);
            sample::queue(&*other, &sample::text(project, &number.to_string())).await;
        }
        current
    };
    let (held, current) = duel(renewing, rotating).await;
    let store = records.open().await;
    assert_eq!(store.lease(project).await.unwrap(), Some(held));
    let project = store.project(project).await.unwrap().unwrap();
    assert_eq!(project.claude_session_id, current);
    assert_eq!(project.claude_session_history.len(), 30);
    assert_eq!(store.open_deliveries(project.id).await.unwrap().len(), 30);
}
