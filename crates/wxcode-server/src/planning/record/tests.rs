use wxcode_core::{
    delivery::DeliveryState,
    event::{Kind, Stage},
};

use super::*;

const fn id(n: u8) -> Id {
    Id::from_bytes([n; 12])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000 + seconds).unwrap()
}

fn found(path: &str, born: i64, changed: i64) -> Found {
    Found {
        path: path.to_owned(),
        inode: 0,
        born: Some(at(born)),
        changed: at(changed),
    }
}

fn milestone(record: &Record, path: &str) -> Option<Id> {
    record.entries[path].milestone
}

/// Milestone 1 was in work from 10 to 20, milestone 2 from 30 on.
fn record() -> Record {
    let mut record = Record::default();
    for (seconds, n, status) in [
        (10, 1, Stage::InProgress),
        (20, 1, Stage::Completed),
        (30, 2, Stage::InProgress),
    ] {
        let kind = Kind::MilestoneStatus {
            milestone_id: id(n),
            element_name: None,
            status,
            by: None,
            reason: None,
        };
        record.work.note(&kind, at(seconds));
    }
    record
}

#[test]
fn entries_belong_to_the_milestone_in_work() {
    let mut record = record();
    let mut all = vec![
        found("PROJECT.md", 1, 35),
        found("phases/01-a", 12, 35),
        found("phases/02-b", 31, 31),
        found("notes.md", 25, 25),
    ];
    assert!(record.differs(&all));
    record.take_in(&all, at(40));
    record.looked(at(40));
    assert!(!record.differs(&all));
    assert_eq!(milestone(&record, "phases/01-a"), Some(id(1)));
    assert_eq!(milestone(&record, "phases/02-b"), Some(id(2)));
    assert_eq!(milestone(&record, "PROJECT.md"), None);
    assert_eq!(milestone(&record, "notes.md"), None);

    // An old entry is moved here, another is rewritten, a third is deleted.
    all.remove(3);
    all[1].born = Some(at(45));
    all.push(found("phases/03-c", 2, 44));
    assert!(record.differs(&all));
    record.take_in(&all, at(50));
    let created = record.created();
    assert_eq!(created[&id(1)], ["phases/01-a"]);
    assert_eq!(created[&id(2)], ["phases/02-b", "phases/03-c"]);
    assert!(!record.entries.contains_key("notes.md"));
}

#[test]
fn moved_entries_keep_their_milestone() {
    let at_inode = |path: &str, inode: u64, born: i64| Found {
        inode,
        ..found(path, born, born)
    };
    let mut record = record();
    let before = [
        at_inode("phases/01-a", 7, 12),
        at_inode("phases/02-b", 8, 13),
        at_inode("STATE.md", 9, 14),
    ];
    record.take_in(&before, at(40));
    record.looked(at(40));
    // Rewritten, and moved later.
    let reused = at_inode("STATE.md", 10, 41);
    record.refresh(std::slice::from_ref(&reused));
    let after = [
        at_inode("phases/05-a", 7, 12),
        at_inode("phases/06-c", 8, 45),
        at_inode("OLD-STATE.md", 10, 41),
    ];
    record.take_in(&after, at(50));
    assert_eq!(milestone(&record, "phases/05-a"), Some(id(1)));
    assert_eq!(milestone(&record, "OLD-STATE.md"), Some(id(1)));
    assert_eq!(milestone(&record, "phases/06-c"), Some(id(2)));
}

#[test]
fn entries_during_a_command_are_decided_later() {
    let mut record = record();
    let given = Kind::DeliveryState {
        delivery_id: id(9),
        milestone_id: Some(id(3)),
        state: DeliveryState::Written,
        attempts: 1,
        error: None,
        text: String::new(),
        not_before: None,
        steer: false,
        edits: 0,
        version: 1,
    };
    record.work.note(&given, at(40));
    let all = [found("phases/03-c", 41, 41), found("early.md", 39, 39)];
    record.take_in(&all, at(42));
    record.looked(at(42));
    assert_eq!(milestone(&record, "phases/03-c"), None);
    assert_eq!(milestone(&record, "early.md"), Some(id(2)));
    assert!(record.is_undecided());
    for status in [Stage::InProgress, Stage::Completed] {
        let kind = Kind::MilestoneStatus {
            milestone_id: id(3),
            element_name: None,
            status,
            by: None,
            reason: None,
        };
        record.work.note(&kind, at(43));
    }
    record.take_in(&all, at(44));
    assert_eq!(milestone(&record, "phases/03-c"), Some(id(3)));
    assert!(!record.is_undecided());
}

#[test]
fn records_read_back_unless_damaged() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("planning/p.json");
    let mut record = record();
    record.take_in(&[found("phases/01-a", 12, 12)], at(40));
    record.looked(at(40));
    record.seq = 7;
    record.write(&path).unwrap();
    record.write(&path).unwrap();
    assert_eq!(Record::read(&path), record);
    fs::write(&path, "{").unwrap();
    assert_eq!(Record::read(&path), Record::default());
    assert_eq!(Record::read(&temp.path().join("none")), Record::default());
}

#[test]
fn records_are_bounded_from_the_top() {
    let mut record = record();
    let long = "x".repeat(1_000);
    let all: Vec<Found> = (0..600)
        .map(|n| found(&format!("{n}-{long}"), 12, 12))
        .collect();
    record.take_in(&all, at(40));
    assert!(record.truncated);
    let kept: usize = record.entries.keys().map(String::len).sum();
    assert!(kept <= PATHS_MAX && kept > PATHS_MAX - 2_000, "{kept}");
    assert_eq!(milestone(&record, &all[0].path), Some(id(1)));
    assert!(!record.differs(&all));
    let many: Vec<Found> = (0..6_000).map(|n| found(&format!("{n}"), 12, 12)).collect();
    record.take_in(&many, at(40));
    assert_eq!(record.entries.len(), ENTRIES_MAX);
    assert!((serde_json::to_vec(&record).unwrap().len() as u64) < FILE_MAX);
}
