//! `wxcode doctor`: checks the installation, and names the failures that the sessions survive.

mod access;
mod agents;
mod environment;
mod gsd;
mod hooks;
mod limit;
mod mount;
mod service;
mod session;
mod system;

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::bail;
use clap::Parser;

use crate::{
    cli::{Common, ServeOptions},
    config, output, permission,
    remote::{Remote, block_on},
    store::StoreChoice,
};

/// `serve` without flags.
#[derive(Parser)]
struct FromEnvironment {
    #[command(flatten)]
    serve: ServeOptions,
}

pub(crate) fn run(common: &Common) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    // The settings of a server started in this environment.
    let options = FromEnvironment::try_parse_from(["wxcode"]);
    let options = options.map_or_else(
        |error| {
            findings.bad("configuration", error.to_string().trim());
            ServeOptions::NONE
        },
        |FromEnvironment { serve }| serve,
    );
    match config::resolve(common, &options) {
        Ok(resolved) => {
            let settings = &resolved.settings;
            findings.good("configuration", "read");
            let server = service::server(&settings.data_dir);
            let seen = environment::look(server.is_some(), common, settings, &mut findings);
            if let Some(seen) = &seen {
                environment::check_claude(seen, settings, &mut findings);
            }
            gsd::check(settings, seen, &mut findings);
            check_data_dir(&settings.data_dir, &mut findings);
            check_permissions(&settings.data_dir, &mut findings);
            system::check(&settings.data_dir, &mut findings);
            check_program(&settings.holder, &settings.data_dir, &mut findings);
            mount::check(&resolved.store, &settings.data_dir, &mut findings);
            match server {
                Some(_) => check_served_store(common, &mut findings),
                None => check_store(&resolved.store, &settings.data_dir, &mut findings),
            }
            access::check(&resolved, server, &mut findings);
            let sessions = session::running(&settings.data_dir, &mut findings);
            agents::check(settings, server, &sessions, &mut findings);
            hooks::check(settings, &sessions, &mut findings);
            service::check(server, &sessions, settings, &mut findings);
            limit::check(server, &sessions, &settings.data_dir, &mut findings);
        }
        Err(error) => findings.bad("configuration", &format!("{error:#}")),
    }
    if let Some(error) = findings.unprinted {
        return Err(error);
    }
    if findings.bad > 0 {
        bail!("{} of the checks failed", findings.bad)
    } else {
        Ok(())
    }
}

/// The findings, printed in turn.
#[derive(Default)]
struct Findings {
    bad: usize,
    /// The error of the first unprintable finding.
    unprinted: Option<anyhow::Error>,
}

impl Findings {
    fn good(&mut self, what: &str, detail: &str) {
        self.print("ok", what, detail);
    }

    /// A fact, and no error.
    fn note(&mut self, what: &str, detail: &str) {
        self.print("note", what, detail);
    }

    /// A working part that may fail soon.
    fn doubtful(&mut self, what: &str, detail: &str) {
        self.print("warning", what, detail);
    }

    fn bad(&mut self, what: &str, detail: &str) {
        self.bad += 1;
        self.print("FAILED", what, detail);
    }

    fn print(&mut self, kind: &str, what: &str, detail: &str) {
        if let Err(error) = output::print(format_args!("{kind:<7} {what}: {detail}")) {
            self.unprinted.get_or_insert(error);
        }
    }
}

fn check_data_dir(data_dir: &Path, findings: &mut Findings) {
    let probe = data_dir.join(format!(".doctor.{}", std::process::id()));
    let written = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .and_then(|()| fs::write(&probe, b"probe"))
        .and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => findings.good(
            "data folder",
            &format!("{} can be written", data_dir.display()),
        ),
        Err(error) => findings.bad(
            "data folder",
            &format!(
                "{}: {error}; check its permissions and its free space, or give another --data-dir",
                data_dir.display()
            ),
        ),
    }
}

/// Closes files open to other users, as a server does at its start.
fn check_permissions(data_dir: &Path, findings: &mut Findings) {
    let closed = permission::close(data_dir);
    match &closed.failures[..] {
        [] if closed.count == 0 => {
            findings.good("permissions", "the data folder is private to its owner")
        }
        [] => findings.note("permissions", &closed.to_string()),
        failures => {
            for failure in failures {
                findings.bad("permissions", failure);
            }
        }
    }
}

/// Checks the holder's program, and whether the program survives an upgrade.
fn check_program(program: &Path, data_dir: &Path, findings: &mut Findings) {
    let checked = block_on(async { Ok(wxcode_server::program::check(program).await?) });
    if let Err(error) = checked {
        return findings.bad("holder program", &format!("{error:#}"));
    }
    let program = program.display();
    match wxcode_server::program::is_executable_in(data_dir) {
        true => findings.good(
            "holder program",
            &format!("{program}; sessions run a copy in the data folder"),
        ),
        false => findings.doubtful(
            "holder program",
            &format!(
                "{} is mounted noexec, so sessions run {program} itself: an upgrade that removes this file breaks the hooks of running sessions, and their deliveries stay unconfirmed; put the data folder on a file system that executes programs, or end sessions before an upgrade",
                data_dir.display()
            ),
        ),
    }
}

/// Asks the server. The server may be of another version, and keeps the store open.
fn check_served_store(common: &Common, findings: &mut Findings) {
    let asked =
        Remote::of_data_dir(common).and_then(|remote| block_on(async { remote.probe().await }));
    match asked {
        Ok(_) => findings.good("store", "answers, through the server"),
        Err(error) => findings.bad("store", &format!("{error:#}")),
    }
}

/// The embedded store is a file of the data folder, created on demand; a shared store must exist.
fn check_store(store: &StoreChoice, data_dir: &Path, findings: &mut Findings) {
    let name = match store {
        StoreChoice::Sqlite(path) => {
            let path = path.clone().unwrap_or_else(|| data_dir.join("wxcode.db"));
            if !path.exists() {
                let made = format!("embedded, {} will be created", path.display());
                return findings.good("store", &made);
            }
            format!("embedded, {}", path.display())
        }
        #[cfg(feature = "mongodb")]
        StoreChoice::Mongo(address) => address.to_string(),
    };
    let asked = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            runtime.block_on(async { Ok(store.open(data_dir).await?.ping().await?) })
        });
    match asked {
        Ok(()) => findings.good("store", &format!("{name} answers")),
        Err(error) => findings.bad("store", &format!("{error:#}")),
    }
}
