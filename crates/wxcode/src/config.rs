//! The settings: flags before `WXCODE_*` variables before `wxcode.toml` before the defaults.

mod file;
mod web;

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
};

use anyhow::Context;
use wxcode_claude::template::Template;
use wxcode_holder::folder::Limits;
use wxcode_server::{Commands, Network, Node, Settings};

use self::file::File;
pub(crate) use self::file::NodeSettings;
use crate::{
    cli::{Common, ServeOptions},
    store::{StoreChoice, StoreName},
};

/// Largest configuration file, in bytes.
const FILE_MAX: u64 = 1 << 20; // 1 MiB

/// The resolved settings of `serve`.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) listen: SocketAddr,
    pub(crate) store: StoreChoice,
    pub(crate) log: String,
    pub(crate) node: NodeSettings,
    /// Without the token and the node, which are read or created under the lock of the data folder.
    pub(crate) settings: Settings,
}

/// The data folder, absolute.
pub(crate) fn data_dir(common: &Common) -> anyhow::Result<PathBuf> {
    let given = match &common.data_dir {
        Some(dir) => dir.clone(),
        None => std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .context("there is no home folder: give --data-dir or set WXCODE_DATA_DIR")?
            .join(".wxcode"),
    };
    std::path::absolute(&given).with_context(|| {
        format!(
            "{} is not a usable path: give another --data-dir",
            given.display()
        )
    })
}

fn read(path: &Path, must_exist: bool) -> anyhow::Result<File> {
    let file = path.to_owned();
    let read = wxcode_files::wait(path, move || wxcode_files::read(&file, FILE_MAX));
    let unreadable = || format!("cannot read {}: check --config", path.display());
    let bytes = match read {
        Err(error) if error.is_missing() && !must_exist => return Ok(File::default()),
        read => read.with_context(unreadable)?,
    };
    let text = String::from_utf8(bytes).with_context(unreadable)?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> anyhow::Result<File> {
    toml::from_str(text)
        .map_err(|error| quiet(error, text))
        .with_context(|| {
            format!(
                "{} is not a valid configuration: correct it, then start again",
                path.display()
            )
        })
}

/// Checks the text of a configuration file, for the fuzz target. An address that is a name is left
/// out, because the system would look the name up.
#[cfg(feature = "fuzzing")]
pub fn check(text: &str) -> Result<(), String> {
    let path = Path::new("wxcode.toml");
    let checked = parse(text, path).and_then(|mut file| {
        let is_address = |text: &String| text.parse::<SocketAddr>().is_ok();
        file.listen = file.listen.filter(is_address);
        resolve_file(file, path, PathBuf::from("/data"), &ServeOptions::NONE)
    });
    checked.map(drop).map_err(|error| format!("{error:#}"))
}

/// The error in a file, without its line if the line may contain a database's password.
fn quiet(error: toml::de::Error, text: &str) -> anyhow::Error {
    if !error.to_string().contains("mongodb") {
        return error.into();
    }
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text
        .bytes()
        .take(start)
        .filter(|byte| *byte == b'\n')
        .count();
    anyhow::anyhow!("line {line}, which names a database, has an error")
}

/// Resolves the settings of `serve`.
pub(crate) fn resolve(common: &Common, options: &ServeOptions) -> anyhow::Result<Resolved> {
    let data_dir = data_dir(common)?;
    let path = common
        .config
        .clone()
        .unwrap_or_else(|| data_dir.join("wxcode.toml"));
    let file = read(&path, common.config.is_some())?;
    resolve_file(file, &path, data_dir, options)
}

/// Resolves the settings in a file that was read.
fn resolve_file(
    file: File,
    path: &Path,
    data_dir: PathBuf,
    options: &ServeOptions,
) -> anyhow::Result<Resolved> {
    let command = |name: &str, text: &Option<String>| {
        text.as_deref()
            .map(Template::parse)
            .transpose()
            .with_context(|| format!("`[commands] {name}` in {} cannot be used", path.display()))
    };
    let commands = Commands {
        new_project: command("new_project", &file.commands.new_project)?,
        new_milestone: command("new_milestone", &file.commands.new_milestone)?,
    };
    let listen = options
        .listen
        .clone()
        .or(file.listen)
        .unwrap_or_else(|| "127.0.0.1:8052".to_owned());
    let claude = options
        .claude
        .clone()
        .or(file.claude.path)
        .unwrap_or_else(|| PathBuf::from("claude"));
    let listen = address(&listen)?;
    let web = web::WebSettings {
        tls: file.tls,
        proxy: file.proxy,
        behind_proxy: file.behind_proxy,
        trusted_proxies: file.trusted_proxies,
        public_url: file.public_url,
        base_path: file.base_path,
    };
    let web = web.resolve(options, listen)?;
    let settings = Settings {
        token: None,
        agents_may_use_api: file.agent.may_use_api,
        protect_data: file.agent.protect_data,
        status_line: file.agent.status_line,
        allowed_hosts: file.allowed_hosts,
        web,
        claude,
        holder: wxcode_server::program::installed()
            .context("cannot find this program's own path")?,
        claude_args: file.claude.args,
        permission_mode: file.claude.permission_mode,
        model: file.claude.model,
        commands,
        network: Network {
            connections: file.network.connections,
            connections_per_address: file.network.connections_per_address,
            connections_unauthenticated: file.network.connections_unauthenticated,
        },
        umask: crate::umask::users(),
        environment: std::env::vars_os().collect(),
        hibernate_after: file.agent.hibernate_after(path)?,
        copies_max: file.mirror.bytes_max(path)?,
        pass_env: file.agent.pass_env,
        agent_env: file.agent.env,
        resume_on_start: file.agent.resume_on_start,
        scopes: file.agent.scope,
        limits: Limits {
            memory_bytes: file.agent.memory_max_mb.map(|mb| u64::from(mb.get()) << 20),
            cpu_percent: file.agent.cpu_percent.map(|percent| percent.get().into()),
            tasks: file.agent.tasks_max.map(|tasks| tasks.get().into()),
        },
        upgrade_holders: file.holder.upgrade,
        workspace_roots: file.workspaces.roots(path)?,
        ready_timeout: file.delivery.ready_timeout(path)?,
        limit_grace: std::time::Duration::from_secs(file.delivery.limit_grace_s),
        store: String::new(),
        log_lines_lost: Default::default(),
        shared: None,
        node: Node {
            id: uuid::Uuid::nil(),
            name: String::new(),
        },
        advertise: None,
        capacity: None,
        drain: std::time::Duration::ZERO,
        takes_over: false,
        data_dir,
    };
    Ok(Resolved {
        listen,
        store: store(options.store.as_ref(), file.store.as_deref(), path)?,
        log: options
            .log
            .clone()
            .or(file.log)
            .unwrap_or_else(|| "info".to_owned()),
        node: file.node.settings(path, options.advertise.clone())?,
        settings,
    })
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .with_context(|| {
            format!(
                "`{text}` is not an address to listen on: give ADDR:PORT such as 127.0.0.1:8052"
            )
        })
}

fn store(
    chosen: Option<&StoreName>,
    in_file: Option<&str>,
    path: &Path,
) -> anyhow::Result<StoreChoice> {
    match (chosen, in_file) {
        (Some(chosen), _) => Ok(chosen.choice()?),
        (None, Some(text)) => text
            .parse()
            .with_context(|| format!("`store` in {} cannot be used", path.display())),
        (None, None) => Ok(StoreChoice::Sqlite(None)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn common(dir: &Path) -> Common {
        Common {
            data_dir: Some(dir.to_owned()),
            config: None,
            server: None,
            token: None,
            token_file: None,
            ca_file: None,
            fingerprint: None,
        }
    }

    const NO_OPTIONS: ServeOptions = ServeOptions::NONE;

    #[test]
    fn defaults() {
        let dir = tempfile::tempdir().unwrap();
        let resolved = resolve(&common(dir.path()), &NO_OPTIONS).unwrap();
        assert_eq!(resolved.listen.to_string(), "127.0.0.1:8052");
        assert_eq!(resolved.settings.claude, Path::new("claude"));
        assert_eq!(resolved.settings.ready_timeout, Duration::from_secs(60));
        assert!(!resolved.settings.resume_on_start);
        assert!(resolved.settings.upgrade_holders);
        assert_eq!(resolved.store, StoreChoice::Sqlite(None));
    }

    #[test]
    fn a_flag_overrides_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let text = "listen = '127.0.0.1:1'\nallowed_hosts = ['box']\n[claude]\nargs = ['--verbose']\n[agent.env]\nA = 'b'\n[delivery]\nready_timeout_s = 5\n[holder]\nupgrade = false\n";
        std::fs::write(dir.path().join("wxcode.toml"), text).unwrap();
        let resolved = resolve(&common(dir.path()), &NO_OPTIONS).unwrap();
        assert_eq!(resolved.listen.port(), 1);
        assert_eq!(resolved.settings.claude_args, ["--verbose"]);
        assert_eq!(resolved.settings.agent_env["A"], "b");
        assert!(!resolved.settings.upgrade_holders);
        assert_eq!(resolved.settings.ready_timeout, Duration::from_secs(5));
        let options = ServeOptions {
            listen: Some("127.0.0.1:2".into()),
            ..NO_OPTIONS
        };
        assert_eq!(
            resolve(&common(dir.path()), &options)
                .unwrap()
                .listen
                .port(),
            2
        );
    }

    #[test]
    fn configuration_errors_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let says = |text: &str, word: &str| {
            std::fs::write(dir.path().join("wxcode.toml"), text).unwrap();
            let error = format!(
                "{:#}",
                resolve(&common(dir.path()), &NO_OPTIONS).unwrap_err()
            );
            assert!(error.contains(word), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        };
        // An error shows its line unless the line may contain a password.
        says("store = 'mongodb://user:hunter2@'", "store");
        says("store = ['mongodb://user:hunter2@host']", "line 1");
        says(
            "[delivery]\nready_timeout_s = 'mongodb://user:hunter2@host'",
            "line 2",
        );
        says("listne = 1", "listne");
        says("[commands]\nnew_project = '/x {nope}'", "nope");
        says("store = 'postgres'", "postgres");
        says("listen = 'nowhere'", "nowhere");
        says("[agent]\nmemory_max_mb = 0", "memory_max_mb");
        says("[network]\nconnections = 0", "connections");
        says("[node]\nlease_s = 0", "lease_s");
        for seconds in ["0", "86401", "9223372036854775807"] {
            let text = format!("[delivery]\nready_timeout_s = {seconds}");
            says(&text, "ready_timeout_s");
        }
        says("[node]\nname = ''", "name");
    }
}
