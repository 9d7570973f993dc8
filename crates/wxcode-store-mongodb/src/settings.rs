//! A project's own settings, below `wxcode.settings` of the project's document.
//!
//! Each setting and each variable is a separate field, so a patch changes the setting alone.

use std::collections::BTreeMap;

use mongodb::bson::{Bson, Document};
use wxcode_core::project::{AgentSettings, EnvPatch, SettingsPatch};

use crate::{
    failure::Failure,
    fields::{self, Fields},
};

/// The field of the settings in a project's document.
const FIELD: &str = "wxcode.settings";

fn arguments(args: &[String]) -> Bson {
    Bson::Array(args.iter().cloned().map(Bson::String).collect())
}

/// The settings as a document, without the server's settings.
pub(crate) fn write(settings: &AgentSettings) -> Result<Document, Failure> {
    let mut written = Document::new();
    let texts = [
        ("permission_mode", settings.permission_mode.as_deref()),
        ("model", settings.model.as_deref()),
        (
            "claude_config_dir",
            settings
                .claude_config_dir
                .as_deref()
                .map(fields::path)
                .transpose()?,
        ),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            written.insert(name, text);
        }
    }
    if let Some(args) = &settings.args {
        written.insert("args", arguments(args));
    }
    if !settings.env.is_empty() {
        let env: Document = settings
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Bson::String(value.clone())))
            .collect();
        written.insert("env", env);
    }
    if let Some(seconds) = settings.hibernate_after_s {
        written.insert("hibernate_after_s", fields::count(seconds)?);
    }
    if let Some(mirror) = settings.mirror {
        written.insert("mirror", mirror);
    }
    if let Some(shown) = settings.usage_metrics {
        written.insert("usage_metrics", shown);
    }
    Ok(written)
}

pub(crate) fn read(fields: &Fields<'_>) -> Result<AgentSettings, Failure> {
    let at = |name: &str| format!("{FIELD}.{name}");
    let args = match fields.get(&at("args")) {
        None => None,
        Some(Bson::Array(args)) => Some(
            args.iter()
                .map(|arg| arg.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| fields.wrong(&at("args"), "holds something else than texts"))?,
        ),
        Some(_) => return Err(fields.wrong(&at("args"), "is no list")),
    };
    let env = match fields.get(&at("env")) {
        None => BTreeMap::new(),
        Some(Bson::Document(env)) => env
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(|| fields.wrong(&at("env"), "holds something else than texts"))?,
        Some(_) => return Err(fields.wrong(&at("env"), "is no document")),
    };
    let switch = |name: &str| match fields.get(&at(name)) {
        None => Ok(None),
        Some(Bson::Boolean(is_on)) => Ok(Some(*is_on)),
        Some(_) => Err(fields.wrong(&at(name), "is neither true nor false")),
    };
    Ok(AgentSettings {
        permission_mode: fields.text(&at("permission_mode"))?,
        model: fields.text(&at("model"))?,
        args,
        env,
        claude_config_dir: fields.text(&at("claude_config_dir"))?.map(Into::into),
        hibernate_after_s: fields.count(&at("hibernate_after_s"))?,
        mirror: switch("mirror")?,
        usage_metrics: switch("usage_metrics")?,
    })
}

/// Adds a change of settings to the fields that an update sets and unsets.
pub(crate) fn change(
    patch: &SettingsPatch,
    set: &mut Document,
    unset: &mut Document,
) -> Result<(), Failure> {
    let mut put = |name: &str, value: Option<Bson>| {
        let field = format!("{FIELD}.{name}");
        match value {
            Some(value) => set.insert(field, value),
            None => unset.insert(field, ""),
        };
    };
    let text = |text: &Option<String>| text.clone().map(Bson::String);
    if let Some(mode) = &patch.permission_mode {
        put("permission_mode", text(mode));
    }
    if let Some(model) = &patch.model {
        put("model", text(model));
    }
    if let Some(args) = &patch.args {
        put("args", args.as_deref().map(arguments));
    }
    if let Some(dir) = &patch.claude_config_dir {
        let dir = dir.as_deref().map(fields::path).transpose()?;
        put(
            "claude_config_dir",
            dir.map(|dir| Bson::String(dir.to_owned())),
        );
    }
    if let Some(seconds) = patch.hibernate_after_s {
        let seconds = seconds.map(fields::count).transpose()?;
        put("hibernate_after_s", seconds.map(Bson::Int64));
    }
    if let Some(mirror) = patch.mirror {
        put("mirror", mirror.map(Bson::Boolean));
    }
    if let Some(shown) = patch.usage_metrics {
        put("usage_metrics", shown.map(Bson::Boolean));
    }
    match &patch.env {
        EnvPatch::Keep => {}
        EnvPatch::Clear => put("env", None),
        EnvPatch::Change(changes) => {
            for (name, value) in changes {
                // A dot or a dollar sign would name another field.
                if name.is_empty() || name.contains(['.', '$', '\0']) {
                    return Err(Failure::Refused(format!(
                        "the variable {name:?} cannot be kept: use letters, digits and `_`"
                    )));
                }
                put(&format!("env.{name}"), text(value));
            }
        }
    }
    Ok(())
}
