//! Finds the systemd bus, through which each holder can get a scope of its own.

use std::{
    ffi::OsString,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use wxcode_holder::folder::Scope;

use crate::Settings;

/// Exists where systemd started the system.
const BOOTED: &str = "/run/systemd/system";
/// The bus of the system.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// The scope for a session or a run; `None` without systemd, or when scopes are off.
pub(in crate::agent) fn of(settings: &Settings, session: &str, project: &str) -> Option<Scope> {
    let bus = settings.scopes.then(|| bus(&settings.environment))??;
    Some(Scope {
        bus,
        unit: format!("wxcode-{session}.scope"),
        description: format!("wxcode: {project}"),
        limits: settings.limits.clone(),
    })
}

/// The bus on which systemd may answer: the system's for root, the user's for others.
#[must_use]
pub fn bus(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let booted = Path::new(BOOTED).is_dir();
    // The owner of this process's entries.
    let uid = std::fs::metadata("/proc/self").ok()?.uid();
    let get = |name: &str| {
        let found = environment.iter().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.to_str())
    };
    let named = get("DBUS_SESSION_BUS_ADDRESS").and_then(|address| {
        let path = address.strip_prefix("unix:path=")?;
        path.split([',', ';']).next().map(PathBuf::from)
    });
    let usual = |folder: PathBuf| folder.join("bus");
    let candidates = match uid {
        0 => [Some(PathBuf::from(SYSTEM_BUS)), None, None],
        _ => [
            named,
            get("XDG_RUNTIME_DIR").map(PathBuf::from).map(usual),
            Some(usual(format!("/run/user/{uid}").into())),
        ],
    };
    let there = |path: &PathBuf| booted && path.exists();
    candidates.into_iter().flatten().find(there)
}
