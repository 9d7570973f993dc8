//! A server in new mount and process namespaces, with a small disk or few terminals. Everything
//! inside ends with the server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Agent, Server};
use wxcode_testbed::skip;

const WRAPPER: [&str; 8] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "sh",
];

/// The token of such a server, because the server's folder is invisible from outside.
const TOKEN: &str = "token-of-a-server-in-namespaces";

/// A server, and the way to the files inside the server's namespaces.
pub(crate) struct Namespaces {
    pub(crate) server: Server,
    /// The server's pid outside.
    pid: i32,
}

impl Namespaces {
    /// Prepares the environment with a line of shell, with `$0` for the data folder, then starts
    /// the server; `None`, with the reason printed, where that is impossible.
    pub(crate) async fn start(mut agent: Agent, prepare: &str) -> Option<Self> {
        let script = format!("mount -t proc proc /proc && {{ {prepare}; }} && exec \"$@\"");
        let probe = tempfile::tempdir().unwrap();
        let possible = Command::new(WRAPPER[0])
            .args(&WRAPPER[1..])
            .args(["-c", &script])
            .arg(probe.path())
            .arg("true")
            .output();
        if !possible.is_ok_and(|probe| probe.status.success()) {
            skip("unshare(1) and user namespaces with mounts are not to be had here");
            return None;
        }
        let config = agent.home.path().join("wxcode.toml");
        fs::write(&config, &agent.config).unwrap();
        agent.env.push(("WXCODE_CONFIG".into(), config.into()));
        agent.env.push(("WXCODE_TOKEN".into(), TOKEN.into()));
        let server = Server::start_wrapped(agent, |folder| {
            let words = WRAPPER.iter().map(Into::into);
            let rest = ["-c".into(), script.into(), folder.into()];
            words.chain(rest).collect()
        })
        .await;
        let wrapper = server.pid();
        let children = fs::read_to_string(format!("/proc/{wrapper}/task/{wrapper}/children"));
        let pid = children.unwrap().trim().parse().unwrap();
        Some(Self { server, pid })
    }

    /// Creates a project with a folder inside the namespaces; returns the project's id.
    pub(crate) async fn project(&self, name: &str) -> String {
        let body = serde_json::json!({ "name": name });
        let project = self.server.post("/output-projects", body).await.expect(201);
        project["id"].as_str().unwrap().to_owned()
    }

    /// The states of the children of the server, the first process inside.
    pub(crate) fn children(&self) -> Vec<char> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap();
        let lists = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")));
        let all = lists.map(Result::unwrap).collect::<String>();
        all.split_whitespace()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok())
            .filter_map(|stat| stat.rsplit_once(')')?.1.trim().chars().next())
            .collect()
    }

    /// A path of the data folder, as seen from outside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let inside = self.server.data_dir().strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.pid))
            .join(inside)
            .join(name)
    }
}
