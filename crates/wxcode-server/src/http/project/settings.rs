//! A project's own settings over HTTP: shown without the values of variables, and checked.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_claude::choice::{self, ChoiceError};
use wxcode_core::project::{AgentSettings, EnvPatch, SettingsPatch};

use crate::http::body::given;
use crate::http::problem::{Answer, Problem, quoted};

/// Idle time before hibernation, in seconds: up to a year.
const HIBERNATE_S: std::ops::RangeInclusive<u64> = 0..=31_536_000;
/// Longest configuration folder, in bytes.
const CONFIG_DIR_MAX: usize = 4_096;

/// A project's own settings; `null` means the server's default.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectSettings)]
pub(crate) struct SettingsView {
    permission_mode: Option<String>,
    model: Option<String>,
    /// Arguments instead of the server's `[claude] args`.
    args: Option<Vec<String>>,
    /// The names of the project's variables; their values are never shown.
    env: Option<Vec<String>>,
    claude_config_dir: Option<String>,
    /// The idle time after which the session hibernates, in seconds; 0: never.
    hibernate_after_s: Option<u64>,
    /// Whether the conversation is copied; `null` means yes.
    mirror: Option<bool>,
    /// Whether `/metrics` has the project's usage; `null` means no.
    usage_metrics: Option<bool>,
}

impl From<AgentSettings> for SettingsView {
    fn from(own: AgentSettings) -> Self {
        let names: Vec<_> = own.env.into_keys().collect();
        Self {
            permission_mode: own.permission_mode,
            model: own.model,
            args: own.args,
            env: (!names.is_empty()).then_some(names),
            claude_config_dir: own
                .claude_config_dir
                .map(|dir| dir.to_string_lossy().into_owned()),
            hibernate_after_s: own.hibernate_after_s,
            mirror: own.mirror,
            usage_metrics: own.usage_metrics,
        }
    }
}

/// Settings to change: absent ones stay, `null` means the server's default. They count from the next
/// start of the agent on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenSettings {
    /// `acceptEdits`, `auto`, `bypassPermissions`, `default`, `dontAsk`, `manual` or `plan`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    permission_mode: Option<Option<String>>,
    /// An alias or the full name of a model, passed as `--model`; up to 200 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    /// Arguments instead of the server's `[claude] args`: up to 64, 64 KiB together, without the flags
    /// that wxcode sets.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    args: Option<Option<Vec<String>>>,
    /// Variables besides `[agent.env]`, which they override: a value sets one, `null` removes one;
    /// up to 200, 64 KiB together.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    env: Option<Option<BTreeMap<String, Option<String>>>>,
    /// Claude Code's configuration folder, absolute. The conversations of another folder cannot be
    /// resumed in it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    claude_config_dir: Option<Option<String>>,
    /// The idle time after which the session hibernates: up to 31536000 seconds, 0 for never.
    /// Counts at once.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    hibernate_after_s: Option<Option<u64>>,
    /// Whether the conversation is copied into the data folder; `null` means yes. `false` removes
    /// the copy at once: a transcript that is deleted then takes the conversation with it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    mirror: Option<Option<bool>>,
    /// Whether `/metrics` has the project's tokens, cost and limits; `null` means no.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    usage_metrics: Option<Option<bool>>,
}

impl From<ChoiceError> for Problem {
    fn from(error: ChoiceError) -> Self {
        Self::invalid(format!("settings: {error}"))
    }
}

impl GivenSettings {
    /// The change of the settings, each checked by itself.
    pub(super) fn patch(self) -> Answer<SettingsPatch> {
        if let Some(Some(mode)) = &self.permission_mode {
            choice::permission_mode(mode)?;
        }
        if let Some(Some(model)) = &self.model {
            choice::model(model)?;
        }
        if let Some(Some(args)) = &self.args {
            choice::args(args)?;
        }
        if let Some(Some(env)) = &self.env {
            for (name, value) in env {
                choice::variable(name, value.as_deref())?;
            }
        }
        if let Some(Some(dir)) = &self.claude_config_dir {
            check_config_dir(dir)?;
        }
        if let Some(Some(seconds)) = self.hibernate_after_s
            && !HIBERNATE_S.contains(&seconds)
        {
            return Err(Problem::invalid(format!(
                "settings: hibernate_after_s is {seconds}: give {} to {} seconds, or null for the server's",
                HIBERNATE_S.start(),
                HIBERNATE_S.end()
            )));
        }
        Ok(SettingsPatch {
            permission_mode: self.permission_mode,
            model: self.model,
            args: self.args,
            env: match self.env {
                None => EnvPatch::Keep,
                Some(None) => EnvPatch::Clear,
                Some(Some(changes)) => EnvPatch::Change(changes),
            },
            claude_config_dir: self.claude_config_dir.map(|dir| dir.map(Into::into)),
            hibernate_after_s: self.hibernate_after_s,
            mirror: self.mirror,
            usage_metrics: self.usage_metrics,
        })
    }
}

/// Checks the bounds of the settings after a change.
pub(super) fn check_together(own: &AgentSettings) -> Answer<()> {
    let variables = own
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(choice::variables(variables)?)
}

fn check_config_dir(dir: &str) -> Answer<()> {
    let is_path = Path::new(dir).is_absolute()
        && dir.len() <= CONFIG_DIR_MAX
        && !dir.chars().any(char::is_control);
    if is_path {
        return Ok(());
    }
    Err(Problem::invalid(format!(
        "settings: claude_config_dir is {}: give an absolute path of up to {CONFIG_DIR_MAX} bytes without control \
         characters, or null for the server's",
        quoted(dir)
    )))
}
