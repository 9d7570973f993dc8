//! A project's own settings for its agent, and changes of them.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// A project's own settings; `None` means the server's.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Instead of the server's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Variables besides the server's, by name. The values may be secrets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Claude Code's configuration folder, absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claude_config_dir: Option<PathBuf>,
    /// Idle time before the session hibernates, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hibernate_after_s: Option<u64>,
    /// Whether the conversation is copied; `None` means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<bool>,
    /// Whether `/metrics` has the project's usage; `None` means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metrics: Option<bool>,
}

impl AgentSettings {
    /// Whether the project's conversation is copied, and restored from the copy.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.mirror.unwrap_or(true)
    }

    /// Whether every setting is the server's.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Shows the names of variables only.
impl fmt::Debug for AgentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSettings")
            .field("permission_mode", &self.permission_mode)
            .field("model", &self.model)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("claude_config_dir", &self.claude_config_dir)
            .field("hibernate_after_s", &self.hibernate_after_s)
            .field("mirror", &self.mirror)
            .field("usage_metrics", &self.usage_metrics)
            .finish()
    }
}

/// A change of settings. `None` keeps a setting, `Some(None)` returns to the server's setting.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    pub permission_mode: Option<Option<String>>,
    pub model: Option<Option<String>>,
    pub args: Option<Option<Vec<String>>>,
    pub env: EnvPatch,
    pub claude_config_dir: Option<Option<PathBuf>>,
    pub hibernate_after_s: Option<Option<u64>>,
    pub mirror: Option<Option<bool>>,
    pub usage_metrics: Option<Option<bool>>,
}

/// A change of variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum EnvPatch {
    #[default]
    Keep,
    /// Removes all variables.
    Clear,
    /// Sets variables with a value, and removes variables without a value.
    Change(BTreeMap<String, Option<String>>),
}

impl SettingsPatch {
    /// A change to the server's value for every setting.
    #[must_use]
    pub const fn clear() -> Self {
        Self {
            permission_mode: Some(None),
            model: Some(None),
            args: Some(None),
            env: EnvPatch::Clear,
            claude_config_dir: Some(None),
            hibernate_after_s: Some(None),
            mirror: Some(None),
            usage_metrics: Some(None),
        }
    }

    /// The settings after the change.
    #[must_use]
    pub fn apply(&self, before: AgentSettings) -> AgentSettings {
        fn changed<T: Clone>(change: &Option<Option<T>>, before: Option<T>) -> Option<T> {
            change.clone().unwrap_or(before)
        }
        let mut env = before.env;
        match &self.env {
            EnvPatch::Keep => {}
            EnvPatch::Clear => env.clear(),
            EnvPatch::Change(changes) => {
                for (name, value) in changes {
                    match value {
                        Some(value) => env.insert(name.clone(), value.clone()),
                        None => env.remove(name),
                    };
                }
            }
        }
        AgentSettings {
            permission_mode: changed(&self.permission_mode, before.permission_mode),
            model: changed(&self.model, before.model),
            args: changed(&self.args, before.args),
            env,
            claude_config_dir: changed(&self.claude_config_dir, before.claude_config_dir),
            hibernate_after_s: changed(&self.hibernate_after_s, before.hibernate_after_s),
            mirror: changed(&self.mirror, before.mirror),
            usage_metrics: changed(&self.usage_metrics, before.usage_metrics),
        }
    }
}

/// Shows the names of variables only.
impl fmt::Debug for SettingsPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsPatch")
            .field("permission_mode", &self.permission_mode)
            .field("model", &self.model)
            .field("args", &self.args)
            .field("env", &self.env)
            .field("claude_config_dir", &self.claude_config_dir)
            .field("hibernate_after_s", &self.hibernate_after_s)
            .field("mirror", &self.mirror)
            .field("usage_metrics", &self.usage_metrics)
            .finish()
    }
}

/// Shows the names of variables only.
impl fmt::Debug for EnvPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("Keep"),
            Self::Clear => f.write_str("Clear"),
            Self::Change(changes) => f.debug_tuple("Change").field(&changes.keys()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> AgentSettings {
        AgentSettings {
            permission_mode: Some("plan".to_owned()),
            model: Some("opus".to_owned()),
            args: Some(vec!["--verbose".to_owned()]),
            env: [("KEY", "hunter2"), ("B", "b")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            claude_config_dir: Some("/c".into()),
            hibernate_after_s: Some(60),
            mirror: Some(false),
            usage_metrics: Some(true),
        }
    }

    #[test]
    fn an_empty_change_keeps_everything() {
        assert_eq!(SettingsPatch::default().apply(full()), full());
    }

    #[test]
    fn clearing_leaves_the_defaults() {
        assert!(SettingsPatch::clear().apply(full()).is_default());
    }

    #[test]
    fn variables_change_one_by_one() {
        let env = [("B", None), ("C", Some("c")), ("D", None)]
            .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        let patch = SettingsPatch {
            env: EnvPatch::Change(env.into()),
            model: Some(None),
            ..SettingsPatch::default()
        };
        let after = patch.apply(full());
        assert_eq!(after.model, None);
        assert_eq!(after.args, full().args);
        let names: Vec<_> = after.env.keys().map(String::as_str).collect();
        assert_eq!(names, ["C", "KEY"]);
    }

    #[test]
    fn values_of_variables_are_never_printed() {
        let env = [("KEY".to_owned(), Some("hunter2".to_owned()))].into();
        let patch = SettingsPatch {
            env: EnvPatch::Change(env),
            ..SettingsPatch::default()
        };
        let printed = format!("{:?} {patch:?}", full());
        assert!(printed.contains("KEY"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
