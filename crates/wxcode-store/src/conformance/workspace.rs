//! Promises about workspace folders: each folder belongs to a single project.

use wxcode_core::{id::Id, project::OutputProject};

use super::{
    ALL, Records,
    runners::{RUNNERS, only, race},
    sample,
};
use crate::{ProjectPatch, Result, StoreError};

/// The folder wanted by the projects of these tests.
const FOLDER: &str = "/workspaces/wanted";

/// A project with this folder.
fn wanting(name: &str) -> OutputProject {
    OutputProject {
        name: name.to_owned(),
        workspace_path: FOLDER.into(),
        ..sample::project()
    }
}

fn to(folder: &str) -> ProjectPatch {
    ProjectPatch {
        name: Some("moved".to_owned()),
        workspace_path: Some(folder.into()),
        ..ProjectPatch::default()
    }
}

/// The folder's project from a refusal.
#[track_caller]
fn owner<T: std::fmt::Debug>(answer: Result<T>) -> (Id, String) {
    match answer {
        Err(StoreError::WorkspaceTaken { project, name }) => (project, name),
        other => panic!("the folder is taken: {other:?}"),
    }
}

/// A folder is taken until the folder's project is removed.
pub async fn a_folder_belongs_to_one_project(records: &impl Records) {
    let store = records.open().await;
    let first = wanting("first");
    store.add_project(&first).await.unwrap();
    for store in [&store, &records.open().await] {
        let refused = store.add_project(&wanting("second")).await;
        assert_eq!(owner(refused), (first.id, "first".to_owned()));
    }
    // Paths are compared byte by byte.
    for other in ["/workspaces/Wanted", "/workspaces/wanted2", "/workspaces"] {
        let other = OutputProject {
            workspace_path: other.into(),
            ..sample::project()
        };
        store.add_project(&other).await.unwrap();
    }
    assert_eq!(store.projects(ALL).await.unwrap().total, 4);
    assert!(store.remove_project(first.id).await.unwrap());
    store.add_project(&wanting("second")).await.unwrap();
}

/// A moving project frees its folder and takes a free folder; a refusal changes nothing.
pub async fn a_project_moves_only_to_a_free_folder(records: &impl Records) {
    let store = records.open().await;
    let first = wanting("first");
    store.add_project(&first).await.unwrap();
    let second = sample::project();
    store.add_project(&second).await.unwrap();

    let refused = store
        .patch_project(second.id, &to(FOLDER), sample::at(5))
        .await;
    assert_eq!(owner(refused), (first.id, "first".to_owned()));
    assert_eq!(
        store.project(second.id).await.unwrap().as_ref(),
        Some(&second)
    );

    // Moves to the project's own folder, then to another folder.
    for folder in [FOLDER, "/workspaces/elsewhere"] {
        let moved = store
            .patch_project(first.id, &to(folder), sample::at(6))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(moved.workspace_path.to_str(), Some(folder));
        assert_eq!(moved.name, "moved");
        assert_eq!(store.project(first.id).await.unwrap(), Some(moved));
    }
    let moved = store
        .patch_project(second.id, &to(FOLDER), sample::at(7))
        .await
        .unwrap();
    assert_eq!(moved.unwrap().workspace_path.to_str(), Some(FOLDER));
    let refused = store.add_project(&wanting("third")).await;
    assert_eq!(owner(refused).0, second.id);
    assert_eq!(
        store
            .patch_project(sample::id(), &to("/workspaces/free"), sample::at(8))
            .await
            .unwrap(),
        None
    );
}

/// Restored projects of another store may share a folder; the folder stays taken.
pub async fn restored_projects_may_share_a_folder(records: &impl Records) {
    let store = records.open().await;
    let (first, second) = (wanting("first"), wanting("second"));
    store.restore_project(&first).await.unwrap();
    store.restore_project(&second).await.unwrap();
    for project in [&first, &second] {
        let kept = store.project(project.id).await.unwrap();
        assert_eq!(kept.as_ref(), Some(project));
    }
    let refused = store.add_project(&wanting("third")).await;
    assert_eq!(owner(refused).0, first.id);
    let rename = ProjectPatch {
        name: Some("renamed".to_owned()),
        ..ProjectPatch::default()
    };
    let renamed = store
        .patch_project(second.id, &rename, sample::at(5))
        .await
        .unwrap();
    assert_eq!(renamed.unwrap().name, "renamed");
    assert!(store.remove_project(first.id).await.unwrap());
    let refused = store.add_project(&wanting("third")).await;
    assert_eq!(owner(refused), (second.id, "renamed".to_owned()));
}

/// Of many concurrent projects with the same folder, a single project is added.
pub async fn one_of_64_takes_a_folder(records: &impl Records) {
    let store = records.open().await;
    let projects: Vec<_> = (0..RUNNERS).map(|_| wanting("racer")).collect();
    let answers = race(records, |store, number| {
        let project = projects[number].clone();
        async move { store.add_project(&project).await }
    })
    .await;
    let winner = only(&answers, Result::is_ok);
    let winner = projects[winner].id;
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(owner(answer).0, winner, "the losers learn the owner");
    }
    let there = store.projects(ALL).await.unwrap().items;
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].id, winner);
}

/// Of many projects moving to the same folder, a single project gets the folder.
pub async fn one_of_64_moves_to_a_folder(records: &impl Records) {
    let store = records.open().await;
    let mut ids = Vec::new();
    for _ in 0..RUNNERS {
        ids.push(sample::add_project(&*store).await);
    }
    let answers = race(records, |store, number| {
        let id = ids[number];
        async move { store.patch_project(id, &to(FOLDER), sample::at(5)).await }
    })
    .await;
    let winner = ids[only(&answers, Result::is_ok)];
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(owner(answer).0, winner);
    }
    let there = store.projects(ALL).await.unwrap().items;
    let moved = there.iter().filter(|project| project.name == "moved");
    assert_eq!(moved.count(), 1);
}
