//! Damaged session folders: a server starts with any damage, and logs each unreadable file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::support::{Agent, Server, eventually, is_alive, kill};

/// A damage to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Missing,
    /// Cut to this percentage of the file's length.
    Cut(usize),
    /// All but the last byte.
    AlmostWhole,
    Garbage,
    /// A folder in the file's place.
    Folder,
}

const DAMAGES: [Damage; 6] = [
    Damage::Missing,
    Damage::Cut(0),
    Damage::Cut(50),
    Damage::AlmostWhole,
    Damage::Garbage,
    Damage::Folder,
];

impl Damage {
    fn happen(self, path: &Path) {
        let whole = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let bytes = match self {
            Self::Missing => return,
            Self::Folder => return fs::create_dir(path).unwrap(),
            Self::Cut(hundredths) => &whole[..whole.len() * hundredths / 100],
            Self::AlmostWhole => &whole[..whole.len().saturating_sub(1)],
            Self::Garbage => &[0xa5; 4096],
        };
        fs::write(path, bytes).unwrap();
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            kind if kind.is_file() => drop(fs::copy(entry.path(), to).unwrap()),
            _ => {} // the socket
        }
    }
}

/// The files of a folder and of the folder's subfolders.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all.sort();
    all
}

/// A damaged folder and the folder's project.
struct Case {
    what: String,
    project: String,
    session: String,
    is_spec: bool,
}

#[tokio::test]
async fn a_server_starts_on_damaged_session_folders() {
    let mut server = Server::start(Agent::fake("")).await;
    let first = server.project("first").await;
    server.start_session(&first).await;
    let hello = server.deliver(&first, "hello").await;
    server.delivery_until(&first, &hello, "submitted").await;
    let end = server.deliver(&first, "fake:exit 0").await;
    server.delivery_until(&first, &end, "submitted").await;
    server
        .session_until(&first, "exited", |session| session["status"] == "exited")
        .await;
    let whole = server.session_dirs().remove(0);
    // The server writes the file after the end is known.
    eventually("the end is settled", || whole.join("settled").exists()).await;
    let names: Vec<PathBuf> = files(&whole)
        .iter()
        .map(|path| path.strip_prefix(&whole).unwrap().to_owned())
        .collect();
    assert!(names.len() >= 7, "{names:?}");

    let mut cases = Vec::new();
    for (lost, name) in [false, true]
        .into_iter()
        .flat_map(|lost| names.iter().map(move |name| (lost, name)))
    {
        for damage in DAMAGES {
            let session = format!(
                "{:024x}",
                0x5000_0000_0000_0000_0000_0000_u128 + cases.len() as u128
            );
            let dir = whole.with_file_name(&session);
            copy(&whole, &dir);
            let project = server.project("case").await;
            let spec = fs::read_to_string(dir.join("spec.json")).unwrap();
            fs::write(dir.join("spec.json"), spec.replace(&first, &project)).unwrap();
            if lost {
                // As after a kill of holder and agent: the folder has no exit.
                for name in ["exit.json", "screen.snapshot", "settled"] {
                    fs::remove_file(dir.join(name)).unwrap();
                }
            }
            if !dir.join(name).exists() {
                fs::remove_dir_all(&dir).unwrap();
                continue;
            }
            damage.happen(&dir.join(name));
            cases.push(Case {
                what: format!(
                    "{damage:?} {} {}",
                    name.display(),
                    if lost { "lost" } else { "ended" }
                ),
                project,
                session,
                is_spec: name == Path::new("spec.json"),
            });
        }
    }
    server.terminate().await;
    server.up().await;

    let log = server.log();
    for case in &cases {
        let path = format!("/output-projects/{}", case.project);
        let session = server.session(&case.project).await;
        match session["status"].as_str().unwrap() {
            "exited" => {
                assert_eq!(
                    session["session_id"],
                    case.session.as_str(),
                    "{}",
                    case.what
                );
                for part in ["screen", "screen?format=ansi", "recording"] {
                    let answer = server.get(&format!("{path}/{part}")).await;
                    assert_eq!(answer.status, 200, "{}: {}", case.what, answer.body);
                }
                let reason = session["exit"]["reason"].as_str().unwrap();
                assert!(
                    ["exited", "holder_lost", "damaged"].contains(&reason),
                    "{}: {reason}",
                    case.what
                );
            }
            status => {
                assert_eq!(status, "none", "{}", case.what);
                assert!(log.contains(&case.session), "{} is not told", case.what);
            }
        }
        // Only the spec names the project; a folder in a file's place cannot be repaired.
        match session["status"] == "none" {
            true => assert!(
                case.is_spec || case.what.contains("Folder"),
                "{}",
                case.what
            ),
            false => assert!(!case.is_spec, "{}", case.what),
        }
    }
    // Everything repairable is repaired.
    let repaired = log.matches("repaired a damaged agent folder").count();
    assert!(repaired > 0);
    server.terminate().await;
    server.up().await;
    assert_eq!(
        server
            .log()
            .matches("repaired a damaged agent folder")
            .count(),
        repaired
    );
    for case in cases.iter().step_by(13) {
        // The copies share a conversation, so only a single copy runs at a time.
        server.start_session(&case.project).await;
        let path = format!("/output-projects/{}/session", case.project);
        server.delete(&path).await.expect(204);
    }
    assert_eq!(server.session(&first).await["exit"]["code"], 0);
}

#[tokio::test]
async fn a_damaged_holder_file_prevents_no_adoption() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    server.crash().await;
    let dir = server.session_dirs().remove(0);
    fs::write(dir.join("holder.json"), b"{\"version\": 1, \"pid\": 1").unwrap();
    server.up().await;
    let after = server.session(&project).await;
    for key in ["status", "session_id", "pid"] {
        assert_eq!(after[key], session[key], "{key}");
    }
    let hello = server.deliver(&project, "hello").await;
    server.delivery_until(&project, &hello, "submitted").await;
}

#[tokio::test]
async fn a_reused_pid_is_not_the_agent() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let dir = server.session_dirs().remove(0);
    let (holder, agent) = Server::pids(&dir).unwrap();
    server.crash().await;
    kill(holder);
    let file = dir.join("holder.json");
    let mut stale: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    // The pids now name this test, with another start time.
    for key in ["pid", "agent_pid"] {
        stale[key] = json!(std::process::id());
    }
    fs::write(&file, stale.to_string()).unwrap();
    server.up().await;
    let after = server.session(&project).await;
    assert_eq!(
        (&after["status"], &after["session_id"]),
        (&json!("exited"), &session["session_id"])
    );
    assert!(!is_alive(agent), "and the real one is gone");
}
