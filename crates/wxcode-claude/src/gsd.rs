//! Finds the installed form of GSD (get-shit-done) and the names of its commands.
//!
//! GSD 1.42.3 installs skills for a user and commands for a folder. Claude Code 2.1.329 calls a
//! skill by its folder and a command by its path, each after the plugin's name (both measured).
//! FIFOs do not block this code, but a mount may hang: call it on a thread for blocking work.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, de::DeserializeOwned};

/// Largest settings file of Claude Code, in bytes.
pub const FILE_MAX: u64 = 1 << 20; // 1 MiB
/// Most installed plugins to examine.
pub const PLUGINS_MAX: usize = 200;

/// The commands for a new project and for a later milestone.
const VERBS: [&str; 2] = ["new-project", "new-milestone"];

/// The layout of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `skills/gsd-new-project/SKILL.md`, called `/gsd-new-project`.
    Skills,
    /// `commands/gsd/new-project.md`, called `/gsd:new-project`.
    Commands,
    /// `commands/new-project.md` of the plugin `gsd`, called `/gsd:new-project`.
    PluginCommands,
}

impl Layout {
    const ALL: [Self; 3] = [Self::Skills, Self::Commands, Self::PluginCommands];

    fn file(self, verb: &str) -> String {
        match self {
            Self::Skills => format!("skills/gsd-{verb}/SKILL.md"),
            Self::Commands => format!("commands/gsd/{verb}.md"),
            Self::PluginCommands => format!("commands/{verb}.md"),
        }
    }

    fn name(self, verb: &str) -> String {
        match self {
            Self::Skills => format!("gsd-{verb}"),
            Self::Commands => format!("gsd:{verb}"),
            Self::PluginCommands => verb.to_owned(),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skills => "skills",
            Self::Commands | Self::PluginCommands => "commands",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gsd {
    pub layout: Layout,
    /// The folder with `skills` or `commands`.
    pub folder: PathBuf,
    /// The template for a new project, for [`crate::template`].
    pub new_project: String,
    /// The template for a later milestone.
    pub new_milestone: String,
}

impl Gsd {
    /// Returns the skill layout in a workspace's `.claude`, installed or not.
    #[must_use]
    pub fn skills(workspace: PathBuf) -> Self {
        Self::at(workspace.join(".claude"), Layout::Skills, "")
    }

    /// Returns an installation in `folder`; `prefix` precedes its skill and command names.
    fn at(folder: PathBuf, layout: Layout, prefix: &str) -> Self {
        let [new_project, new_milestone] =
            VERBS.map(|verb| format!("/{prefix}{} {{context_path}}", layout.name(verb)));
        Self {
            layout,
            folder,
            new_project,
            new_milestone,
        }
    }
}

/// Looks for GSD in the workspace's `.claude`, then in `config_dir`, then in its enabled plugins.
#[must_use]
pub fn find(workspace: Option<&Path>, config_dir: &Path) -> Option<Gsd> {
    let local = workspace.map(|workspace| workspace.join(".claude"));
    local
        .iter()
        .map(PathBuf::as_path)
        .chain([config_dir])
        .find_map(|folder| {
            [Layout::Skills, Layout::Commands]
                .into_iter()
                .find(|layout| is_installed(folder, *layout))
                .map(|layout| Gsd::at(folder.to_owned(), layout, ""))
        })
        .or_else(|| in_plugins(workspace, config_dir, local.as_deref()))
}

fn in_plugins(workspace: Option<&Path>, config_dir: &Path, local: Option<&Path>) -> Option<Gsd> {
    let installed: InstalledPlugins =
        read_json(&config_dir.join("plugins/installed_plugins.json"))?;
    let mut enabled = enabled_plugins(&config_dir.join("settings.json"));
    for name in ["settings.json", "settings.local.json"] {
        enabled.extend(
            local
                .iter()
                .flat_map(|local| enabled_plugins(&local.join(name))),
        );
    }
    let is_here = |plugin: &InstalledPlugin| match &plugin.project_path {
        Some(project) => workspace == Some(project),
        None => true,
    };
    let plugins = installed
        .plugins
        .into_iter()
        .filter(|(key, _)| enabled.get(key) == Some(&true))
        .flat_map(|(key, plugins)| plugins.into_iter().map(move |plugin| (key.clone(), plugin)))
        .filter(|(_, plugin)| is_here(plugin));
    plugins.take(PLUGINS_MAX).find_map(|(key, plugin)| {
        let name = key.split('@').next().filter(|name| is_plain(name))?;
        let layout = Layout::ALL.into_iter().find(|layout| {
            (*layout != Layout::PluginCommands || name == "gsd")
                && is_installed(&plugin.install_path, *layout)
        })?;
        Some(Gsd::at(plugin.install_path, layout, &format!("{name}:")))
    })
}

/// Whether a command can begin with this name.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether `folder` has both commands in this layout.
fn is_installed(folder: &Path, layout: Layout) -> bool {
    VERBS
        .iter()
        .all(|verb| open(&folder.join(layout.file(verb))).is_ok())
}

/// Opens a regular file without blocking. Follows links: people link their skills.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("no regular file"))
    }
}

/// Reads a small JSON file; `None` if it is missing or invalid.
fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut bytes = Vec::new();
    let mut file = open(path).ok()?.take(FILE_MAX);
    file.read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// `plugins/installed_plugins.json`, version 2.
#[derive(Deserialize)]
struct InstalledPlugins {
    plugins: BTreeMap<String, Vec<InstalledPlugin>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstalledPlugin {
    install_path: PathBuf,
    /// The only folder with this plugin, if the plugin is not for all.
    project_path: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PluginSettings {
    #[serde(default)]
    enabled_plugins: BTreeMap<String, serde_json::Value>,
}

fn enabled_plugins(settings: &Path) -> BTreeMap<String, bool> {
    let settings: Option<PluginSettings> = read_json(settings);
    let plugins = settings.map_or_else(BTreeMap::new, |settings| settings.enabled_plugins);
    plugins
        .into_iter()
        .map(|(key, value)| (key, value != serde_json::Value::Bool(false)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    fn lay(folder: &Path, layout: Layout) {
        for verb in VERBS {
            let path = folder.join(layout.file(verb));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    struct Installation {
        root: tempfile::TempDir,
    }

    impl Installation {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("home/plugins")).unwrap();
            fs::create_dir_all(root.path().join("work/.claude")).unwrap();
            Self { root }
        }

        fn local(&self) -> PathBuf {
            self.root.path().join("work/.claude")
        }

        fn config_dir(&self) -> PathBuf {
            self.root.path().join("home")
        }

        fn plugin(&self, key: &str, layout: Layout, project: Option<&Path>) {
            let folder = self.root.path().join("plugin");
            lay(&folder, layout);
            let plugin = serde_json::json!({ "installPath": folder, "projectPath": project });
            let installed = serde_json::json!({ "version": 2, "plugins": { key: [plugin] } });
            fs::write(
                self.config_dir().join("plugins/installed_plugins.json"),
                installed.to_string(),
            )
            .unwrap();
            self.enable(&self.config_dir(), key, true);
        }

        fn enable(&self, folder: &Path, key: &str, enabled: bool) {
            let settings = serde_json::json!({ "enabledPlugins": { key: enabled } });
            fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
        }

        fn find(&self) -> Option<Gsd> {
            find(Some(&self.root.path().join("work")), &self.config_dir())
        }

        fn calls(&self) -> Option<String> {
            self.find().map(|gsd| gsd.new_milestone)
        }
    }

    #[test]
    fn each_form_has_its_command_names() {
        for (layout, called) in [
            (Layout::Skills, "/gsd-new-milestone {context_path}"),
            (Layout::Commands, "/gsd:new-milestone {context_path}"),
        ] {
            let installation = Installation::new();
            assert_eq!(installation.find(), None);
            lay(&installation.config_dir(), layout);
            assert_eq!(installation.calls().as_deref(), Some(called));
        }
    }

    #[test]
    fn the_workspace_precedes_the_user() {
        let installation = Installation::new();
        lay(&installation.config_dir(), Layout::Skills);
        lay(&installation.local(), Layout::Commands);
        assert_eq!(installation.find().unwrap().folder, installation.local());
        assert_eq!(
            find(None, &installation.config_dir()).unwrap().layout,
            Layout::Skills
        );
    }

    #[test]
    fn a_partial_installation_is_none() {
        let installation = Installation::new();
        lay(&installation.config_dir(), Layout::Skills);
        let half = installation
            .config_dir()
            .join(Layout::Skills.file(VERBS[1]));
        fs::remove_file(&half).unwrap();
        assert_eq!(installation.find(), None);
        fs::create_dir(&half).unwrap();
        assert_eq!(installation.find(), None, "a folder is no skill");
    }

    #[test]
    fn a_plugin_is_called_by_its_name() {
        for (key, layout, called) in [
            (
                "tools@shop",
                Layout::Skills,
                "/tools:gsd-new-milestone {context_path}",
            ),
            (
                "tools@shop",
                Layout::Commands,
                "/tools:gsd:new-milestone {context_path}",
            ),
            (
                "gsd@shop",
                Layout::PluginCommands,
                "/gsd:new-milestone {context_path}",
            ),
        ] {
            let installation = Installation::new();
            installation.plugin(key, layout, None);
            assert_eq!(installation.calls().as_deref(), Some(called));
            installation.enable(&installation.local(), key, false);
            assert_eq!(installation.calls(), None, "the workspace switches it off");
        }
        let installation = Installation::new();
        installation.plugin("tools@shop", Layout::PluginCommands, None);
        assert_eq!(
            installation.calls(),
            None,
            "its new-milestone is another one"
        );
    }

    #[test]
    fn a_plugin_of_another_folder_is_ignored() {
        let installation = Installation::new();
        installation.plugin("tools@shop", Layout::Skills, Some(Path::new("/other")));
        assert_eq!(installation.calls(), None);
        installation.plugin(
            "tools@shop",
            Layout::Skills,
            Some(&installation.root.path().join("work")),
        );
        assert!(installation.calls().is_some());
    }

    #[test]
    fn special_files_are_skipped_at_once() {
        let installation = Installation::new();
        let fifo = |path: PathBuf| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        };
        for verb in VERBS {
            fifo(installation.local().join(Layout::Skills.file(verb)));
        }
        fifo(
            installation
                .config_dir()
                .join("plugins/installed_plugins.json"),
        );
        assert_eq!(installation.find(), None);
        let dense = installation
            .config_dir()
            .join("plugins/installed_plugins.json");
        fs::remove_file(&dense).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &dense).unwrap();
        assert_eq!(installation.find(), None);
    }
}
