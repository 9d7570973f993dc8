//! Changes of a project's fields and settings.

use wxcode_core::project::{AgentSettings, EnvPatch, OutputProject, SettingsPatch};

use super::{Records, sample};
use crate::ProjectPatch;

/// A patch changes the named fields and `updated_at`; `Some(None)` clears, `None` keeps.
pub async fn a_patch_changes_only_named_fields(records: &impl Records) {
    let store = records.open().await;
    let mut expected = OutputProject {
        stack_id: Some("django".to_owned()),
        configuration_id: Some("debug".to_owned()),
        ..sample::project()
    };
    store.add_project(&expected).await.unwrap();
    let other = sample::add_project(&*store).await;
    let before = store.project(other).await.unwrap();

    let some = |text: &str| Some(Some(text.to_owned()));
    let none = ProjectPatch::default;
    let patches = [
        none(),
        ProjectPatch {
            name: Some("new".to_owned()),
            ..none()
        },
        ProjectPatch {
            stack_id: some("rails"),
            ..none()
        },
        ProjectPatch {
            configuration_id: some("release"),
            ..none()
        },
        ProjectPatch {
            stack_id: Some(None),
            ..none()
        },
        ProjectPatch {
            name: Some("last".to_owned()),
            stack_id: some("go"),
            configuration_id: Some(None),
            ..none()
        },
        ProjectPatch {
            workspace_path: Some("/workspaces/another".into()),
            ..none()
        },
    ];
    for (patch, millis) in patches.into_iter().zip(1..) {
        expected.updated_at = sample::at(millis);
        expected.name = patch.name.clone().unwrap_or(expected.name);
        let folder = patch.workspace_path.clone();
        expected.workspace_path = folder.unwrap_or(expected.workspace_path);
        expected.stack_id = patch.stack_id.clone().unwrap_or(expected.stack_id);
        expected.configuration_id = patch
            .configuration_id
            .clone()
            .unwrap_or(expected.configuration_id);
        let patched = store
            .patch_project(expected.id, &patch, sample::at(millis))
            .await
            .unwrap();
        assert_eq!(patched.as_ref(), Some(&expected));
        assert_eq!(store.project(expected.id).await.unwrap(), patched);
    }
    assert_eq!(store.project(other).await.unwrap(), before);
}

/// A patch changes single settings and variables, also while others change.
pub async fn settings_change_one_by_one(records: &impl Records) {
    let (store, other) = (records.open().await, records.open().await);
    let mut expected = OutputProject {
        settings: sample::settings(),
        ..sample::project()
    };
    store.add_project(&expected).await.unwrap();
    let model = SettingsPatch {
        model: Some(Some("haiku".to_owned())),
        args: Some(None),
        hibernate_after_s: Some(Some(7)),
        mirror: Some(Some(true)),
        usage_metrics: Some(None),
        ..SettingsPatch::default()
    };
    let env = SettingsPatch {
        env: EnvPatch::Change(
            [("B", None), ("NEW", Some("a \"$.x\" é"))]
                .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                .into(),
        ),
        claude_config_dir: Some(None),
        ..SettingsPatch::default()
    };
    let patch = |settings: &SettingsPatch| ProjectPatch {
        settings: settings.clone(),
        ..ProjectPatch::default()
    };
    let (model_patch, env_patch) = (patch(&model), patch(&env));
    let (first, second) = tokio::join!(
        store.patch_project(expected.id, &model_patch, sample::at(1)),
        other.patch_project(expected.id, &env_patch, sample::at(1)),
    );
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    expected.settings = env.apply(model.apply(expected.settings));
    expected.updated_at = sample::at(1);
    assert_eq!(
        store.project(expected.id).await.unwrap().as_ref(),
        Some(&expected)
    );
    expected.settings = AgentSettings::default();
    let cleared = store
        .patch_project(
            expected.id,
            &patch(&SettingsPatch::clear()),
            expected.updated_at,
        )
        .await;
    assert_eq!(cleared.unwrap(), Some(expected.clone()));
    let again = store.patch_project(expected.id, &env_patch, sample::at(2));
    let again = again.await.unwrap().unwrap();
    assert_eq!(again.settings, env.apply(AgentSettings::default()));
}
