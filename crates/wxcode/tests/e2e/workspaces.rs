//! Workspace folders: each folder belongs to a single project, and a project moves only while
//! nothing runs.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use wxcode_testbed::{mongodb as servers, skip};

use crate::support::{Agent, Answer, Server};

/// Requests in a race.
const RACERS: usize = 12;

/// A workspace folder, and other paths to the folder: with links, dots, and extra slashes.
struct Folder {
    root: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(root.path()).unwrap().join("work");
        fs::create_dir(&path).unwrap();
        symlink(&path, root.path().join("link")).unwrap();
        symlink(".", root.path().join("here")).unwrap();
        Self { root, path }
    }

    fn spellings(&self) -> Vec<String> {
        let (root, path) = (self.root.path().display(), self.path.display());
        vec![
            format!("{path}"),
            format!("{path}/"),
            format!("{path}/."),
            format!("{path}/../work"),
            format!("/{path}//"),
            format!("{root}/link"),
            format!("{root}/here/here/link/"),
        ]
    }
}

async fn create(server: &Server, name: &str, folder: &str) -> Answer {
    let body = json!({ "name": name, "workspace_path": folder });
    server.post("/output-projects", body).await
}

/// The project that owns the folder, checked against the problem's text.
#[track_caller]
fn taken(answer: Answer) -> (Value, Value) {
    let (id, name) = (
        answer.body["project_id"].clone(),
        answer.body["name"].clone(),
    );
    assert_eq!(answer.body["code"], "workspace_taken", "{}", answer.body);
    let detail = answer.problem(409);
    assert!(detail.contains(id.as_str().unwrap()), "{detail}");
    (id, name)
}

#[tokio::test]
async fn a_folder_belongs_to_one_project() {
    let server = Server::start(Agent::fake("")).await;
    let folder = Folder::new();
    let first = create(&server, "first", &folder.spellings()[5]).await;
    let first = first.expect(201);
    assert_eq!(first["workspace_path"], folder.path.to_str().unwrap());
    let other = tempfile::tempdir().unwrap();
    let other = create(&server, "other", other.path().to_str().unwrap()).await;
    let other = format!(
        "/output-projects/{}",
        other.expect(201)["id"].as_str().unwrap()
    );
    for spelling in folder.spellings() {
        let expected = (first["id"].clone(), json!("first"));
        let refused = create(&server, "second", &spelling).await;
        assert_eq!(taken(refused), expected, "{spelling}");
        let body = json!({ "name": "moved", "workspace_path": spelling });
        let refused = server.patch(&other, body).await;
        assert_eq!(taken(refused), expected, "{spelling}");
    }
    assert_eq!(server.get(&other).await.expect(200)["name"], "other");
    // A folder created by the server belongs to a project as well.
    let made = server.project("made").await;
    let path = server.workspace(&made).await;
    let refused = create(&server, "second", path.to_str().unwrap()).await;
    assert_eq!(taken(refused), (json!(made), json!("made")));
    let listed = server.get("/output-projects").await.expect(200);
    assert_eq!(listed["total"], 3, "nothing was made");

    let first = format!("/output-projects/{}", first["id"].as_str().unwrap());
    server.delete(&first).await.expect(204);
    create(&server, "second", &folder.spellings()[0])
        .await
        .expect(201);
}

/// Spreads many requests for the folder over the servers; exactly one request succeeds.
async fn race(servers: &[&Server]) {
    let folder = Folder::new();
    let spellings = folder.spellings();
    let answers = join_all((0..RACERS).map(|number| {
        let spelling = &spellings[number % spellings.len()];
        create(servers[number % servers.len()], "racer", spelling)
    }));
    let (won, lost): (Vec<_>, Vec<_>) = answers
        .await
        .into_iter()
        .partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(won.len(), 1, "{won:?}");
    for answer in lost {
        assert_eq!(taken(answer), (won[0].body["id"].clone(), json!("racer")));
    }
    for server in servers {
        let listed = server.get("/output-projects").await.expect(200);
        assert_eq!(listed["total"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_requests_gets_the_folder() {
    race(&[&Server::start(Agent::fake("")).await]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_servers_gets_the_folder() {
    let shared = tokio::task::spawn_blocking(servers::shared).await.unwrap();
    let mongo = match shared {
        Ok(mongo) => mongo,
        Err(reason) => return skip(&reason),
    };
    let database = format!("wxcode_test_{}", uuid::Uuid::new_v4().simple());
    let address = mongo.address(&database);
    let first = Server::start_on(Agent::fake(""), Some(address.clone())).await;
    let second = Server::start_on(Agent::fake(""), Some(address)).await;
    race(&[&first, &second]).await;
}

#[tokio::test]
async fn a_project_moves_only_while_nothing_runs() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}");
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let before = server.idle(&project).await;

    let folder = Folder::new();
    let moves = json!({ "workspace_path": folder.spellings()[6], "name": "moved" });
    let detail = server.patch(&path, moves.clone()).await.problem(409);
    assert!(detail.contains("session runs"), "{detail}");
    assert_eq!(server.get(&path).await.expect(200)["name"], "p");
    // Moving to the same folder is allowed.
    let stays = json!({ "workspace_path": server.workspace(&project).await });
    server.patch(&path, stays).await.expect(200);

    server.delete(&format!("{path}/session")).await.expect(204);
    let moved = server.patch(&path, moves).await.expect(200);
    assert_eq!(moved["workspace_path"], folder.path.to_str().unwrap());
    assert_eq!(moved["name"], "moved");
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let cwd = fs::read_link(format!("/proc/{}/cwd", after["pid"])).unwrap();
    assert_eq!(cwd, folder.path);
    assert!(folder.path.join(".planning").is_dir());
}

#[tokio::test]
async fn unsuitable_workspace_folders_are_refused() {
    let roots = Folder::new();
    let mut agent = Agent::fake("");
    let link = roots.root.path().join("link");
    agent.config = format!(
        "{}[workspaces]\nroots = ['{}']\n",
        agent.config,
        link.display()
    );
    let server = Server::start(agent).await;
    let data = server.data_dir().to_owned();
    let project = server.project("made").await;
    let refuses = async |path: &Path, wanted: &str| {
        let path = path.to_str().unwrap();
        let answer = create(&server, "p", path).await;
        assert_eq!(answer.body["code"], "workspace_refused", "{path}");
        let detail = answer.problem(422);
        assert!(detail.contains(wanted), "{path}: {detail}");
        let body = json!({ "workspace_path": path });
        let to = format!("/output-projects/{project}");
        let detail = server.patch(&to, body).await.problem(422);
        assert!(detail.contains(wanted), "{path}: {detail}");
    };
    for path in [
        Path::new("/"),
        &data,
        data.parent().unwrap(),
        &data.join("sessions"),
    ] {
        fs::create_dir_all(path).unwrap();
        refuses(path, "data folder").await;
    }
    refuses(&roots.path.join(".."), "[workspaces] roots").await;
    let below = roots.path.join("below");
    fs::create_dir(&below).unwrap();
    create(&server, "p", below.to_str().unwrap())
        .await
        .expect(201);
}

#[tokio::test]
async fn a_leading_tilde_is_the_servers_home() {
    let server = Server::start(Agent::fake("")).await;
    let home = server.agent.home.path();
    let path = fs::canonicalize(home).unwrap().join("shop");
    fs::create_dir(&path).unwrap();
    let project = create(&server, "at home", "~/shop").await;
    assert_eq!(
        project.expect(201)["workspace_path"],
        path.to_str().unwrap()
    );
    let detail = create(&server, "elsewhere", "~nobody/shop")
        .await
        .problem(422);
    assert!(detail.contains("~nobody/shop"), "{detail}");
}
