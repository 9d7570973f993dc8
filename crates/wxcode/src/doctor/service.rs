//! Checks whether a restart of the service would end sessions: their cgroups, and the service's
//! `KillMode`.

use std::{fs, path::Path, process::Command};

use wxcode_holder::folder::Scoped;
use wxcode_server::{Settings, agent};

use super::{
    Findings,
    session::{Running, cgroup_of},
};

/// The process of the running server of a data folder.
pub(super) fn server(data_dir: &Path) -> Option<i32> {
    let pid = i32::try_from(server_file(data_dir)?["pid"].as_i64()?).ok()?;
    // A killed server's file may name any process; a running server holds the lock.
    wxcode_server::is_locked(data_dir).then_some(pid)
}

/// The file of the newest server of a data folder, possibly a killed one.
pub(super) fn server_file(data_dir: &Path) -> Option<serde_json::Value> {
    let text = fs::read_to_string(data_dir.join("server.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// A unit of systemd, from a cgroup.
struct Unit {
    name: String,
    /// Whether the unit belongs to a user's systemd, not to the system's.
    of_user: bool,
}

impl Unit {
    /// The innermost service or scope of a cgroup.
    fn of(cgroup: &str) -> Option<Self> {
        let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
        let name = cgroup.rsplit('/').find(is_unit)?;
        // The systemd of a user is itself a service of the system.
        let (of_user, is_manager) = (cgroup.contains("/user@"), name.starts_with("user@"));
        Some(Self {
            name: name.to_owned(),
            of_user: of_user && !is_manager,
        })
    }

    /// `systemctl` for the systemd of the unit.
    fn systemctl(&self) -> &'static str {
        match self.of_user {
            true => "systemctl --user",
            false => "systemctl",
        }
    }

    /// The processes that systemd ends with the unit; `None` if unknown.
    fn kill_mode(&self) -> Option<String> {
        let mut command = Command::new("systemctl");
        if self.of_user {
            command.arg("--user");
        }
        let output = command
            .args(["show", "--property=KillMode", "--value", "--", &self.name])
            .output()
            .ok()?;
        let mode = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !mode.is_empty()).then_some(mode)
    }
}

/// Reports the cgroups of current and future sessions, and everything that ends with the service.
pub(super) fn check(
    server: Option<i32>,
    sessions: &[Running],
    settings: &Settings,
    findings: &mut Findings,
) {
    match server {
        Some(pid) => findings.good("server", &format!("running, pid {pid}")),
        None => findings.good("server", "does not run on this data folder"),
    }
    check_scopes(sessions, settings, findings);
    let service = server
        .and_then(cgroup_of)
        .and_then(|cgroup| Unit::of(&cgroup).map(|unit| (cgroup, unit)));
    match service {
        Some((cgroup, unit)) if unit.name.ends_with(".service") => {
            check_restart(&cgroup, &unit, sessions, findings);
            check_linger(&unit, findings);
        }
        _ => findings.good(
            "restart",
            "the server is not a systemd service; sessions do not end with it",
        ),
    }
}

fn check_scopes(sessions: &[Running], settings: &Settings, findings: &mut Findings) {
    let refused = sessions
        .iter()
        .find_map(|running| match &running.holder.scope {
            Some(Scoped::Refused { reason }) => Some(reason),
            _ => None,
        });
    if let Some(reason) = refused {
        findings.doubtful(
            "scopes",
            &format!("systemd gave a session no scope: {reason}"),
        );
    }
    match agent::bus(&settings.environment) {
        _ if !settings.scopes => {
            findings.good(
                "scopes",
                "off; `[agent] scope = true` gives each session its own",
            );
        }
        Some(bus) => findings.good(
            "scopes",
            &format!(
                "each new session gets one from systemd at {}",
                bus.display()
            ),
        ),
        None => findings.good(
            "scopes",
            "systemd has no bus here; sessions stay in the cgroup of the server",
        ),
    }
    let limits = &settings.limits;
    let limited = limits.memory_bytes.or(limits.cpu_percent).or(limits.tasks);
    if limited.is_some() && (!settings.scopes || agent::bus(&settings.environment).is_none()) {
        findings.doubtful(
            "limits",
            "memory_max_mb, cpu_percent and tasks_max have no effect without scopes",
        );
    }
}

/// The sessions that `systemctl restart` would end.
fn check_restart(cgroup: &str, unit: &Unit, sessions: &[Running], findings: &mut Findings) {
    let inside = |running: &&Running| {
        let path = running.cgroup.as_deref().unwrap_or(cgroup);
        path == cgroup || path.starts_with(&format!("{cgroup}/"))
    };
    let lost = sessions.iter().filter(inside).count();
    let command = format!("`{} restart {}`", unit.systemctl(), unit.name);
    let mode = unit.kill_mode();
    match (lost, mode.as_deref()) {
        (0, _) if !sessions.is_empty() => findings.good(
            "restart",
            &format!("{command} ends no session: each has a scope of its own"),
        ),
        (_, Some("process" | "none")) => findings.good(
            "restart",
            &format!("{command} ends no session: the service has KillMode=process"),
        ),
        (0, _) => findings.doubtful(
            "restart",
            &format!("{command} would end sessions without a scope: set KillMode=process and Delegate=yes in the unit"),
        ),
        (lost, mode) => findings.bad(
            "restart",
            &format!(
                "{command} would end {lost} of {} sessions, because they are in the cgroup of the service with KillMode {}: set KillMode=process and Delegate=yes in the unit, then `{} daemon-reload`",
                sessions.len(),
                mode.unwrap_or("unknown"),
                unit.systemctl()
            ),
        ),
    }
}

/// Without lingering, a user's systemd and all its processes end with the last login.
fn check_linger(unit: &Unit, findings: &mut Findings) {
    if !unit.of_user {
        return;
    }
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let Ok(name) = name else { return };
    match Path::new("/var/lib/systemd/linger").join(&name).exists() {
        true => findings.good("linger", &format!("on for {name}: logging out ends nothing")),
        false => findings.bad(
            "linger",
            &format!("off for {name}: logging out ends the server and all sessions; run `loginctl enable-linger {name}`"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_from_its_cgroup() {
        let of = |cgroup: &str| Unit::of(cgroup).map(|unit| (unit.name, unit.of_user));
        assert_eq!(
            of("/system.slice/wxcode@alice.service"),
            Some(("wxcode@alice.service".to_owned(), false))
        );
        let user = "/user.slice/user-1000.slice/user@1000.service";
        assert_eq!(
            of(&format!("{user}/app.slice/wxcode.service")),
            Some(("wxcode.service".to_owned(), true))
        );
        assert_eq!(of(user), Some(("user@1000.service".to_owned(), false)));
        assert_eq!(of("/"), None);
    }
}
