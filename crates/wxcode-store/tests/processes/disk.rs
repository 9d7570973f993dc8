//! Tests on a full or read-only disk: a real disk, mounted for a single process.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::Path,
    process::Command,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use wxcode_store::{
    DeliveryStore, ProjectPatch, ProjectStore, Queued, StoreError,
    conformance::{ALL, sample},
    sqlite::{OpenError, SqliteStore},
};

use super::child::{Process, send, task};

/// Mounts 4 MiB of memory over the folder `$0`, in a private mount namespace, and executes the
/// program.
const WRAPPER: [&str; 6] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
];
const MOUNT: &str = r#"mount -t tmpfs -o size=4m none "$0" && exec "$@""#;

/// Runs the ignored test `name` on a small disk, and passes the outcome on.
fn on_a_small_disk(name: &str) {
    let folder = TempDir::new().unwrap();
    let place = folder.path().to_str().unwrap();
    let wrapper: Vec<_> = WRAPPER.into_iter().chain([MOUNT, place]).collect();
    let possible = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg("true")
        .output();
    if !possible.is_ok_and(|probe| probe.status.success()) {
        wxcode_testbed::skip(
            "mounting a small file system needs unshare(1) and user namespaces, which are not to be had here",
        );
        return;
    }
    let mut process = Process::start(&wrapper, name, &folder.path().join("wxcode.db"), "-");
    let mut sent = Vec::new();
    while let Some(line) = process.next_line() {
        sent.push(line);
    }
    assert!(process.end().success());
    assert_eq!(sent, ["done"], "the child finished");
}

/// Fills the disk.
fn fill(filler: &Path) {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(filler)
        .unwrap();
    for size in [64 << 10, 4 << 10, 1] {
        loop {
            match file.write(&vec![b'x'; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    on_a_small_disk("disk::full");
}

#[tokio::test]
#[ignore = "a process of the other tests"]
async fn full() {
    let Some((path, _)) = task() else { return };
    let filler = path.with_file_name("filler");

    // From the beginning.
    fill(&filler);
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(
        matches!(
            &error,
            OpenError::Store(StoreError::Unavailable(_)) | OpenError::Io { .. }
        ),
        "{error}"
    );
    fs::remove_file(&filler).unwrap();

    let store = SqliteStore::open(&path).unwrap();
    let project = sample::add_project(&store).await;
    let mut kept = Vec::new();
    for round in 0..3 {
        fill(&filler);
        let mut errors = 0;
        // Small changes may still fit into the files.
        for number in 0..200 {
            let length = [10_000, 100_000, 100][number % 3];
            let new = sample::text(project, &"x".repeat(length));
            match store.queue(&new).await {
                Ok(queued) => kept.push(queued),
                Err(StoreError::Unavailable(reason)) => {
                    errors += 1;
                    assert!(reason.contains("free some space"), "{reason}");
                    assert_eq!(store.delivery(new.id).await.unwrap(), None);
                }
                Err(other) => panic!("{other}"),
            }
            if errors == 20 {
                break;
            }
        }
        assert_eq!(errors, 20);
        let count = kept.len() as u64;
        assert_eq!(
            store.deliveries(project, ALL).await.unwrap().total,
            count,
            "reading still works"
        );

        fs::remove_file(&filler).unwrap();
        kept.push(
            store
                .queue(&sample::text(project, &"x".repeat(100_000)))
                .await
                .unwrap(),
        );
        let patch = ProjectPatch {
            name: Some(format!("round {round}")),
            ..Default::default()
        };
        store
            .patch_project(project, &patch, sample::at(1))
            .await
            .unwrap()
            .unwrap();
        let reopened = SqliteStore::open(&path).unwrap();
        for store in [&store, &reopened] {
            assert_eq!(
                store.deliveries(project, ALL).await.unwrap().total,
                count + 1
            );
            assert_eq!(
                store.project(project).await.unwrap().unwrap().name,
                format!("round {round}")
            );
        }
    }
    send("done");
}

/// A write failing for another reason than a full disk: the process may not enlarge files.
#[test]
fn a_failing_write_changes_nothing() {
    let folder = TempDir::new().unwrap();
    // 300 KiB in blocks of 512 bytes; without the signal the system refuses the write.
    let wrapper = [
        "sh",
        "-c",
        "trap '' XFSZ; ulimit -S -f 600; exec \"$0\" \"$@\"",
    ];
    let mut process = Process::start(
        &wrapper,
        "disk::failing",
        &folder.path().join("wxcode.db"),
        "-",
    );
    assert_eq!(process.next_line().as_deref(), Some("done"));
    assert!(process.end().success());
}

#[tokio::test]
#[ignore = "a process of the other tests"]
async fn failing() {
    let Some((path, _)) = task() else { return };
    let store = SqliteStore::open(&path).unwrap();
    let project = sample::add_project(&store).await;
    let mut kept = 0;
    let mut refused = Vec::new();
    for _ in 0..40 {
        let new = sample::text(project, &"x".repeat(20_000));
        match store.queue(&new).await {
            Ok(_) => kept += 1,
            Err(StoreError::Unavailable(reason)) => {
                assert!(reason.contains("check its disk"), "{reason}");
                refused.push(new);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(
        kept > 0 && !refused.is_empty(),
        "{kept} and {}",
        refused.len()
    );
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, kept);

    let limit = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .unwrap();
    for new in &refused {
        assert!(matches!(store.queue(new).await.unwrap(), Queued::New(_)));
    }
    for store in [store, SqliteStore::open(&path).unwrap()] {
        assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 40);
    }
    send("done");
}

#[test]
fn a_read_only_disk_is_reported() {
    on_a_small_disk("disk::read_only");
}

#[tokio::test]
#[ignore = "a process of the other tests"]
async fn read_only() {
    let Some((path, _)) = task() else { return };
    let remount = |mode: &str| {
        let folder = path.parent().unwrap();
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{mode}")])
            .arg(folder)
            .status()
            .unwrap();
        assert!(done.success());
    };
    remount("ro");
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );

    remount("rw");
    let store = SqliteStore::open(&path).unwrap();
    let project = sample::add_project(&store).await;
    drop(store);
    let written = fs::read(&path).unwrap();
    remount("ro");
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(
        matches!(error, OpenError::Store(StoreError::Unavailable(_))),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), written);

    remount("rw");
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.project(project).await.unwrap().is_some());
    sample::add_milestone(&store, project).await;
    send("done");
}
