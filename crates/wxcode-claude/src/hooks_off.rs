//! Finds the settings with which Claude Code runs no hooks.
//!
//! Measured with 2.1.329: `disableAllHooks` in any layer takes the hooks of `--settings` away as
//! well, and so does `allowManagedHooksOnly` in managed settings. A file that is no valid JSON puts
//! a dialog before the prompt.

use std::{
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::Value;
use wxcode_files::FileError;

/// The folder of managed settings on Linux.
pub const MANAGED_DIR: &str = "/etc/claude-code";

/// Largest settings file read, in bytes.
const FILE_MAX: u64 = 1 << 20; // 1 MiB
/// Most files read of the folder `managed-settings.d`.
const FILES_MAX: usize = 64;

/// A settings file, and what it does to hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub file: PathBuf,
    pub problem: Problem,
}

/// The effect of a settings file on hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It sets `disableAllHooks`.
    AllOff,
    /// It sets `allowManagedHooksOnly`.
    ManagedOnly,
    /// It is not in effect, for this reason.
    Invalid(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.problem {
            Problem::AllOff => write!(
                f,
                "{file} sets `disableAllHooks`: remove it, end the session and start it again"
            ),
            Problem::ManagedOnly => write!(
                f,
                "{file} sets `allowManagedHooksOnly`: ask the administrator of this machine to remove it"
            ),
            Problem::Invalid(reason) => write!(
                f,
                "{file} is not valid ({reason}): mend it, end the session and start it again"
            ),
        }
    }
}

/// The folders of settings, strongest first.
#[derive(Debug, Clone)]
pub struct Layers {
    managed: PathBuf,
    /// Claude Code's configuration folder.
    config_dir: PathBuf,
    /// The folder of the project, if one is asked about.
    workspace: Option<PathBuf>,
}

impl Layers {
    /// The layers of an agent in this folder.
    #[must_use]
    pub fn new(config_dir: &Path, workspace: Option<&Path>) -> Self {
        Self {
            managed: MANAGED_DIR.into(),
            config_dir: config_dir.to_owned(),
            workspace: workspace.map(Path::to_owned),
        }
    }

    /// Looks for the causes why hooks do not run, the strongest first.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut all_off = None;
        for file in self.managed_files() {
            let Some(settings) = read(&file, &mut causes) else {
                continue;
            };
            if settings["allowManagedHooksOnly"] == true {
                causes.push(Cause {
                    file: file.clone(),
                    problem: Problem::ManagedOnly,
                });
            }
            all_off = all_off.or(settings["disableAllHooks"].as_bool().map(|off| (off, file)));
        }
        for file in self.files() {
            if let Some(settings) = read(&file, &mut causes) {
                // The strongest layer with the setting decides.
                all_off = all_off.or(settings["disableAllHooks"].as_bool().map(|off| (off, file)));
            }
        }
        if let Some((true, file)) = all_off {
            let problem = Problem::AllOff;
            causes.insert(0, Cause { file, problem });
        }
        causes
    }

    fn managed_files(&self) -> Vec<PathBuf> {
        let more = self.managed.join("managed-settings.d");
        let names = wxcode_files::Folder::open(&more).and_then(|folder| folder.names(FILES_MAX));
        let mut names = names.unwrap_or_default();
        names.sort();
        let mut files: Vec<PathBuf> = names.into_iter().map(|name| more.join(name)).collect();
        files.retain(|file| file.extension().is_some_and(|word| word == "json"));
        // A later file outweighs an earlier one.
        files.reverse();
        files.push(self.managed.join("managed-settings.json"));
        files
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        if let Some(workspace) = &self.workspace {
            files.push(workspace.join(".claude/settings.local.json"));
            files.push(workspace.join(".claude/settings.json"));
        }
        files.push(self.config_dir.join("settings.json"));
        files
    }
}

/// Reads a settings file; an invalid one is a cause.
fn read(file: &Path, causes: &mut Vec<Cause>) -> Option<Value> {
    let invalid = |reason: String| Cause {
        file: file.to_owned(),
        problem: Problem::Invalid(reason),
    };
    let bytes = match wxcode_files::read(file, FILE_MAX) {
        Ok(bytes) => bytes,
        Err(FileError::Missing(_)) => return None,
        // Claude Code cannot open it either.
        Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return None;
        }
        Err(error) => {
            causes.push(invalid(error.to_string()));
            return None;
        }
    };
    if bytes.trim_ascii().is_empty() {
        return None;
    }
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(settings) if settings.is_object() => Some(settings),
        Ok(_) => {
            causes.push(invalid("no JSON object".to_owned()));
            None
        }
        Err(error) => {
            causes.push(invalid(error.to_string()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, file: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn causes(&self) -> Vec<Cause> {
            let root = self.0.path();
            let layers = Layers {
                managed: root.join("managed"),
                ..Layers::new(&root.join("home"), Some(&root.join("work")))
            };
            layers.causes()
        }
    }

    const OFF: &str = "{\"disableAllHooks\":true}";
    const ON: &str = "{\"disableAllHooks\":false}";

    #[test]
    fn every_layer_can_turn_hooks_off() {
        for file in [
            "managed/managed-settings.json",
            "managed/managed-settings.d/10.json",
            "work/.claude/settings.local.json",
            "work/.claude/settings.json",
            "home/settings.json",
        ] {
            let world = World::new();
            let file = world.write(file, OFF);
            let problem = Problem::AllOff;
            assert_eq!(world.causes(), [Cause { file, problem }]);
        }
    }

    #[test]
    fn strongest_layer_decides() {
        let world = World::new();
        world.write("home/settings.json", OFF);
        world.write("work/.claude/settings.json", ON);
        assert_eq!(world.causes(), []);
        world.write("work/.claude/settings.local.json", OFF);
        assert_eq!(world.causes().len(), 1);
    }

    #[test]
    fn managed_settings_may_allow_only_their_hooks() {
        let world = World::new();
        let text = "{\"allowManagedHooksOnly\":true}";
        world.write("home/settings.json", text);
        assert_eq!(world.causes(), [], "of no effect elsewhere");
        let file = world.write("managed/managed-settings.json", text);
        let causes = world.causes();
        assert_eq!(causes[0].problem, Problem::ManagedOnly);
        let text = causes[0].to_string();
        assert!(text.contains(&*file.to_string_lossy()) && text.contains("allowManagedHooksOnly"));
    }

    #[test]
    fn invalid_files_are_named() {
        let world = World::new();
        let file = world.write("home/settings.json", "{ nope");
        world.write("work/.claude/settings.json", "[]");
        world.write("work/.claude/settings.local.json", "");
        let causes = world.causes();
        assert_eq!(causes.len(), 2);
        assert_eq!(causes[1].file, file);
        assert!(causes[1].to_string().contains("line 1"), "{}", causes[1]);
    }
}
