//! Checks that Claude Code's settings let our hooks run.

use std::path::{Path, PathBuf};

use wxcode_claude::hooks_off::Layers;
use wxcode_files::FileError;
use wxcode_holder::folder::read_spec;
use wxcode_server::{Settings, agent::config_dir};

use super::{Findings, session::Running};

/// Looks at the managed and the user's settings, and at the settings of the running sessions'
/// folders.
pub(super) fn check(settings: &Settings, sessions: &[Running], findings: &mut Findings) {
    let folder = config_dir(settings);
    let mut places: Vec<Option<PathBuf>> = vec![None];
    for session in sessions {
        let spec = read_spec(&session.dir);
        places.extend(spec.ok().map(|spec| Some(spec.cwd)));
    }
    let mut causes: Vec<String> = Vec::new();
    for place in places {
        let (looked_into, workspace) = (folder.clone(), place.clone());
        let look =
            move || Ok::<_, FileError>(Layers::new(&looked_into, workspace.as_deref()).causes());
        let hanging: &Path = place.as_deref().unwrap_or(&folder);
        match wxcode_files::wait(hanging, look) {
            Ok(found) => causes.extend(found.iter().map(ToString::to_string)),
            Err(error) => causes.push(error.to_string()),
        }
    }
    causes.sort();
    causes.dedup();
    match causes.is_empty() {
        true => findings.good("hooks", "no settings file turns them off"),
        false => findings.bad(
            "hooks",
            &format!(
                "Claude Code does not run them, so nothing is known of an agent: {}",
                causes.join("; ")
            ),
        ),
    }
}
