//! The status line: our command in front of the user's, and the figures that Claude Code gives it.
//!
//! Claude Code runs one status line command, and a command in `--settings` replaces the user's. So
//! our command stores the report and then becomes the user's command, read from the user's settings
//! files at that moment.
//!
//! Measured with 2.1.332: the command runs in `/bin/sh -c`, after each message and each change of
//! the mode; a newer run ends an older one. The full-screen renderer keeps a row for the line, also
//! for an empty one.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::settings::quoted;

/// Largest settings file that is read, in bytes.
const SETTINGS_MAX: u64 = 1 << 20; // 1 MiB
/// The fields of the user's status line that count besides the command.
const FIELDS: [&str; 3] = ["padding", "refreshInterval", "hideVimModeIndicator"];

/// The settings files that may hold the user's status line, strongest first: local, project, user.
/// `args` are the agent's arguments, whose `--setting-sources` counts.
#[must_use]
pub fn layers(workspace: &Path, config_dir: &Path, args: &[String]) -> Vec<PathBuf> {
    let sources = sources(args);
    let is_on = |name: &str| {
        let mut names = sources.iter().flat_map(|list| list.split(','));
        sources.is_none() || names.any(|on| on.trim() == name)
    };
    let files = [
        ("local", workspace.join(".claude/settings.local.json")),
        ("project", workspace.join(".claude/settings.json")),
        ("user", config_dir.join("settings.json")),
    ];
    let files = files.into_iter().filter(|(name, _)| is_on(name));
    files.map(|(_, file)| file).collect()
}

/// The value of the last `--setting-sources`.
fn sources(args: &[String]) -> Option<&str> {
    const FLAG: &str = "--setting-sources";
    let after = |(at, arg): (usize, &String)| match arg.strip_prefix(FLAG)? {
        "" => args.get(at + 1).map(|_| at + 1),
        value => value.starts_with('=').then_some(at),
    };
    let at = args.iter().enumerate().filter_map(after).next_back()?;
    let value = args.get(at)?;
    Some(
        value
            .strip_prefix(FLAG)
            .map_or(value, |value| value.trim_start_matches('=')),
    )
}

/// The fields of the user's status line besides its command. Blocks; a file that cannot be read has
/// none.
#[must_use]
pub fn fields(layers: &[PathBuf]) -> Map<String, Value> {
    let own = layers.iter().find_map(|layer| status_line(layer));
    let fields = own.unwrap_or_default().into_iter();
    fields
        .filter(|(name, _)| FIELDS.contains(&name.as_str()))
        .collect()
}

/// Returns the value of `statusLine` for `--settings`: `exe status-line <hook_file> <layer>…` runs
/// in front of the user's command; `fields` are the user's.
#[must_use]
pub fn document(
    exe: &Path,
    hook_file: &Path,
    layers: &[PathBuf],
    fields: Map<String, Value>,
) -> Value {
    let mut words = vec![quoted(&exe.to_string_lossy()), "status-line".to_owned()];
    let paths = std::iter::once(hook_file).chain(layers.iter().map(PathBuf::as_path));
    words.extend(paths.map(|path| quoted(&path.to_string_lossy())));
    let mut document = json!({ "type": "command", "command": words.join(" ") });
    for (name, value) in fields {
        document[name] = value;
    }
    document
}

/// The status line of a settings file.
fn status_line(layer: &Path) -> Option<Map<String, Value>> {
    let bytes = wxcode_files::read(layer, SETTINGS_MAX).ok()?;
    let mut settings: Value = serde_json::from_slice(&bytes).ok()?;
    match settings.get_mut("statusLine")?.take() {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// The figures of a report; `None` for what Claude Code does not know.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct StatusLine {
    /// The conversation of the figures of the context and of the cost.
    pub session_id: Option<Uuid>,
    /// The used part of the context window, in percent.
    pub context_percent: Option<f64>,
    /// The cost of the conversation since the agent's start, in US dollars.
    pub cost_usd: Option<f64>,
    /// The used part of the account's limit for five hours, in percent.
    pub five_hour_percent: Option<f64>,
    /// The used part of the account's limit for seven days, in percent.
    pub seven_day_percent: Option<f64>,
}

#[derive(Deserialize)]
struct Report {
    session_id: Option<String>,
    context_window: Option<Value>,
    cost: Option<Value>,
    rate_limits: Option<Value>,
}

impl StatusLine {
    /// Reads a report. `now` is in seconds since the Unix epoch: a limit that was reset since the
    /// report is not known. `None` for a report of another form.
    #[must_use]
    pub fn parse(report: &[u8], now: i64) -> Option<Self> {
        let report: Report = serde_json::from_slice(report).ok()?;
        let limit = |name: &str| {
            let limit = report.rate_limits.as_ref()?.get(name)?;
            let is_over = limit
                .get("resets_at")
                .and_then(Value::as_f64)
                .is_some_and(|at| at <= seconds(now));
            percent(limit, "used_percentage").filter(|_| !is_over)
        };
        let id = report.session_id.as_deref();
        Some(Self {
            session_id: id.and_then(|id| Uuid::parse_str(id).ok()),
            context_percent: report
                .context_window
                .as_ref()
                .and_then(|window| percent(window, "used_percentage")),
            cost_usd: report
                .cost
                .as_ref()
                .and_then(|cost| cost.get("total_cost_usd")?.as_f64())
                .filter(|cost| cost.is_finite() && *cost >= 0.0),
            five_hour_percent: limit("five_hour"),
            seven_day_percent: limit("seven_day"),
        })
    }
}

/// A percentage of at least 0; a limit may be exceeded.
fn percent(of: &Value, name: &str) -> Option<f64> {
    let percent = of.get(name)?.as_f64()?;
    (percent.is_finite() && percent >= 0.0).then_some(percent)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this millennium")]
const fn seconds(now: i64) -> f64 {
    now as f64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_recorded_report_is_read() {
        let report = include_bytes!("../conversations/status-line.json");
        let line = StatusLine::parse(report, 0).unwrap();
        assert_eq!(
            line.session_id.unwrap().to_string(),
            "090594aa-4926-4f21-b0c0-5a089e6fc4af"
        );
        assert_eq!(line.context_percent, Some(0.0));
        assert_eq!(line.cost_usd, Some(0.000_24));
        assert_eq!(
            (line.five_hour_percent, line.seven_day_percent),
            (None, None)
        );
    }

    #[test]
    fn a_limit_counts_until_its_reset() {
        let report = br#"{"rate_limits":{"five_hour":{"used_percentage":23.5,"resets_at":100},"seven_day":{"used_percentage":41}}}"#;
        let line = StatusLine::parse(report, 99).unwrap();
        assert_eq!(line.five_hour_percent, Some(23.5));
        let line = StatusLine::parse(report, 100).unwrap();
        assert_eq!(line.five_hour_percent, None);
        assert_eq!(line.seven_day_percent, Some(41.0));
    }

    #[test]
    fn values_of_other_forms_are_unknown() {
        let report = br#"{"session_id":"x","cost":{"total_cost_usd":-1},"context_window":{"used_percentage":null},"rate_limits":[1]}"#;
        assert_eq!(StatusLine::parse(report, 0), Some(StatusLine::default()));
        assert_eq!(StatusLine::parse(b"[]", 0), None);
        assert_eq!(StatusLine::parse(b"{", 0), None);
    }

    #[test]
    fn layers_are_in_order_and_may_be_off() {
        let layers = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            layers(Path::new("/w"), Path::new("/c"), &args)
        };
        let (local, project, user) = (
            PathBuf::from("/w/.claude/settings.local.json"),
            PathBuf::from("/w/.claude/settings.json"),
            PathBuf::from("/c/settings.json"),
        );
        assert_eq!(layers(&[]), [local.clone(), project.clone(), user.clone()]);
        assert_eq!(
            layers(&["--setting-sources", "user, project"]),
            [project, user]
        );
        assert_eq!(layers(&["--setting-sources=local"]), [local]);
        assert!(layers(&["--setting-sources="]).is_empty());
    }

    #[test]
    fn fields_of_the_users_line_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (weak, strong) = (folder.path().join("weak"), folder.path().join("it's"));
        let user = json!({ "statusLine": { "type": "command", "command": "x", "padding": 2 } });
        fs::write(&weak, user.to_string()).unwrap();
        let layers = [strong, weak];
        let line = document(Path::new("/exe"), Path::new("/h"), &layers, fields(&layers));
        assert_eq!(line["padding"], 2);
        let command = line["command"].as_str().unwrap();
        assert!(
            command.starts_with("'/exe' status-line '/h' '"),
            "{command}"
        );
        assert!(command.contains(r"it'\''s'"), "{command}");
    }
}
