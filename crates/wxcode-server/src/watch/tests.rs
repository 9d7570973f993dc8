use std::{fs, time::Duration};

use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Place {
    watches: Arc<Watches>,
    tree: Tree,
    bell: Arc<Notify>,
    closing: CancellationToken,
}

fn place(max: usize) -> Place {
    let watches = Arc::new(Watches::new());
    let closing = CancellationToken::new();
    tokio::spawn(Arc::clone(&watches).run(closing.clone()));
    let bell = Arc::new(Notify::new());
    let mut tree = Tree::new(Arc::clone(&watches), Arc::clone(&bell));
    tree.max = max;
    Place {
        watches,
        tree,
        bell,
        closing,
    }
}

impl Place {
    async fn rings(&self) {
        let rung = timeout(PATIENCE, self.bell.notified()).await;
        rung.expect("the bell rings");
    }
}

#[tokio::test]
async fn only_planning_changes_notify() {
    let temp = tempfile::tempdir().unwrap();
    let mut place = place(9);
    assert!(place.tree.enter(temp.path(), Part::Planning));
    place.tree.settle();
    fs::write(temp.path().join("README.md"), "a").unwrap();
    let planning = temp.path().join(".planning");
    fs::create_dir(&planning).unwrap();
    place.rings().await;
    assert!(place.tree.enter(temp.path(), Part::Planning));
    assert!(place.tree.enter(&planning, Part::All));
    place.tree.settle();
    fs::write(planning.join("STATE.md"), "a").unwrap();
    place.rings().await;
    fs::remove_dir_all(&planning).unwrap();
    place.rings().await;
    // The watch of a deleted folder is gone too.
    place.tree.enter(temp.path(), Part::Planning);
    place.tree.settle();
    assert_eq!(place.watches.table().len(), 1);
    let (watches, tree) = (Arc::clone(&place.watches), place.tree);
    drop(tree);
    assert!(watches.table().is_empty());
    place.closing.cancel();
}

#[tokio::test]
async fn only_its_own_conversation_notifies() {
    let temp = tempfile::tempdir().unwrap();
    let mut place = place(9);
    let own = Uuid::from_u128(1);
    assert!(place.tree.enter(temp.path(), Part::Conversation(own)));
    place.tree.settle();
    let other = temp.path().join(format!("{}.jsonl", Uuid::from_u128(2)));
    fs::write(other, "a").unwrap();
    let own = temp.path().join(format!("{own}.jsonl"));
    // Its own watch shows that the report of the other one was passed by.
    let ring = Arc::new(Notify::new());
    let mut all = Tree::new(Arc::clone(&place.watches), Arc::clone(&ring));
    assert!(all.enter(temp.path(), Part::All));
    fs::write(temp.path().join("x"), "a").unwrap();
    timeout(PATIENCE, ring.notified()).await.unwrap();
    let early = timeout(Duration::ZERO, place.bell.notified()).await;
    assert!(early.is_err(), "another conversation");
    fs::write(&own, "a").unwrap();
    place.rings().await;
    fs::create_dir(own.with_extension("")).unwrap();
    place.rings().await;
    place.closing.cancel();
}

#[tokio::test]
async fn watches_stop_at_the_bound() {
    let temp = tempfile::tempdir().unwrap();
    let mut place = place(1);
    fs::create_dir(temp.path().join("a")).unwrap();
    assert!(place.tree.enter(temp.path(), Part::All));
    assert!(!place.watches.has_said.load(Ordering::Relaxed));
    assert!(!place.tree.enter(&temp.path().join("a"), Part::All));
    assert!(place.watches.has_said.load(Ordering::Relaxed));
    place.closing.cancel();
}

#[tokio::test]
async fn shared_folders_notify_both_projects() {
    let temp = tempfile::tempdir().unwrap();
    let mut place = place(9);
    let other_bell = Arc::new(Notify::new());
    let mut other = Tree::new(Arc::clone(&place.watches), Arc::clone(&other_bell));
    assert!(place.tree.enter(temp.path(), Part::All));
    assert!(other.enter(temp.path(), Part::Planning));
    fs::create_dir(temp.path().join(".planning")).unwrap();
    place.rings().await;
    timeout(PATIENCE, other_bell.notified()).await.unwrap();
    drop(other);
    fs::write(temp.path().join("x"), "").unwrap();
    place.rings().await;
    place.closing.cancel();
}
