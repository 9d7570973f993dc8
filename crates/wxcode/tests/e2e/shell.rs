//! The command line as a person and a script use it: waiting, answering, following, naming projects.

mod following;
mod manual;

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr},
    time::timeout,
};

use crate::support::{Agent, PATIENCE, Server};

async fn run(server: &Server, arguments: &[&str]) -> Output {
    server.command(arguments).output().await.unwrap()
}

/// The exit code, standard output and standard error of a command.
async fn outcome(server: &Server, arguments: &[&str]) -> (i32, String, String) {
    let output = run(server, arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

/// A server with a project `p` whose agent is idle.
async fn ready() -> (Server, String) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    (server, project)
}

/// A command that goes on, and its standard error.
fn begun(server: &Server, arguments: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let mut command = server.command(arguments);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let errors = BufReader::new(child.stderr.take().unwrap());
    (child, errors)
}

/// Reads lines up to the one with these words.
async fn until_says(errors: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut seen = String::new();
    let reading = async {
        loop {
            let mut line = String::new();
            assert_ne!(errors.read_line(&mut line).await.unwrap(), 0, "{seen}");
            seen.push_str(&line);
            if line.contains(words) {
                return line;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect(words)
}

#[tokio::test]
async fn send_until_idle_prints_the_answer() {
    let (server, project) = ready().await;
    let send = ["send", "p", "hello", "--wait", "--until", "idle"];
    let (code, out, err) = outcome(&server, &send).await;
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].ends_with(" submitted"), "{out}");
    assert_eq!(lines[1], "done");
    assert!(err.contains("the turn ended at 20"), "{err}");
    assert_eq!(server.session(&project).await["agent_state"], "idle");
    // The same key again finds the turn of before.
    let keyed = [&send[..], &["--key", "k"]].concat();
    let (_, first, _) = outcome(&server, &keyed).await;
    let (code, second, err) = outcome(&server, &keyed).await;
    assert_eq!((code, second), (0, first), "{err}");
}

#[tokio::test]
async fn send_until_idle_fails_with_its_agent() {
    let (server, _) = ready().await;
    let send = ["send", "p", "fake:exit 3", "--until", "idle"];
    let (code, out, err) = outcome(&server, &send).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.ends_with(" submitted\n"), "{out}");
    assert!(err.contains("the agent ended before its turn did"), "{err}");
}

#[tokio::test]
async fn a_waiting_send_names_the_question() {
    let (server, project) = ready().await;
    let send = ["send", "p", "fake:question", "--until", "idle"];
    let (child, mut errors) = begun(&server, &send);
    let hint = until_says(&mut errors, "the agent asks").await;
    assert!(hint.contains(&format!("wxcode answer {project}")), "{hint}");
    let (code, shown, hint) = outcome(&server, &["answer", "p"]).await;
    assert_eq!(code, 0, "{hint}");
    for line in ["Which colour?", "  1  Red", "  2  Blue"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(
        hint.contains(&format!("wxcode answer {project} NUMBER")),
        "{hint}"
    );
    let (code, _, err) = outcome(&server, &["answer", "p", "2"]).await;
    assert_eq!(code, 0, "{err}");
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap();
    assert!(output.unwrap().status.success());
}

#[tokio::test]
async fn answers_are_words_or_numbers() {
    let (server, project) = ready().await;
    for answer in ["y", "2"] {
        let (code, _, err) = outcome(&server, &["send", "p", "fake:permission", "--wait"]).await;
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("the agent took it at 20"), "{err}");
        server.options(&project).await;
        let (code, asked, _) = outcome(&server, &["answer", "p", "--json"]).await;
        let asked: Value = serde_json::from_str(&asked).unwrap();
        assert_eq!((code, &asked["options"][1]), (0, &"No".into()));
        let (code, _, err) = outcome(&server, &["answer", "p", "maybe"]).await;
        assert_eq!(code, 1);
        for words in ["`maybe`", "1  Yes", "2  No", "command: echo hi"] {
            assert!(err.contains(words), "{err}");
        }
        let (code, _, err) = outcome(&server, &["answer", "p", answer]).await;
        assert_eq!(code, 0, "{err}");
        server.idle(&project).await;
    }
    let (code, _, err) = outcome(&server, &["answer", "p"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("asks nothing: it is idle"), "{err}");
}

#[tokio::test]
async fn unfit_answers_change_nothing() {
    let (server, project) = ready().await;
    let (code, _, err) = outcome(&server, &["send", "p", "fake:question", "--wait"]).await;
    assert_eq!(code, 0, "{err}");
    let before = server.options(&project).await;
    let (code, _, err) = outcome(&server, &["answer", "p", "Red", "Blue"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("give one choice for each"), "{err}");
    assert!(err.contains("  2  Blue"), "{err}");
    let (code, _, err) = outcome(&server, &["answer", "p", "Green"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("`Green` is none of the choices: choose one of these\nWhich colour?"),
        "{err}"
    );
    let both = ["answer", "p", "Red", "--text", "Green"];
    assert_eq!(outcome(&server, &both).await.0, 2);
    assert_eq!(server.options(&project).await, before);
}

#[tokio::test]
async fn projects_have_unambiguous_beginnings() {
    let server = Server::start(Agent::fake("")).await;
    let shop = server.project("shop").await;
    let second = server.project("shop-two").await;
    server.project("site").await;
    let (code, _, err) = outcome(&server, &["stop", "shop"]).await;
    assert_eq!(code, 0, "{err}");
    // Nothing to show is said, with the next command.
    for (asked, code, next) in [
        (
            &["answer", "shop"][..],
            1,
            format!("`wxcode resume {shop}`"),
        ),
        (&["logs", "shop"], 0, format!("`wxcode send {shop} TEXT`")),
        (
            &["token", "list"],
            0,
            "`wxcode token create NAME`".to_owned(),
        ),
        (&["attach", "shop"], 2, "`wxcode screen PROJECT`".to_owned()),
    ] {
        let (found, out, err) = outcome(&server, asked).await;
        assert_eq!((found, out.as_str()), (code, ""), "{asked:?}");
        assert!(err.contains(&next), "{asked:?}: {err}");
    }
    assert_eq!(outcome(&server, &["stop", "shop-"]).await.0, 0);
    assert_eq!(outcome(&server, &["stop", &second]).await.0, 0);
    let (code, _, err) = outcome(&server, &["stop", "sh"]).await;
    assert_eq!(code, 1);
    for words in ["names 2 projects", &shop, &second, "shop-two"] {
        assert!(err.contains(words), "{err}");
    }
    let (code, _, err) = outcome(&server, &["stop", "shpo"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("did you mean `shop`?"), "{err}");
    let (code, _, err) = outcome(&server, &["sotp", "shop"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("'stop'"), "{err}");
    for wrong in [
        &["stop"][..],
        &["send", "shop"],
        &["resume", "shop", "--id", "old"],
        &["send", "shop", "x", "--at", "soon"],
        &["events", "shop", "--since", "1"],
    ] {
        assert_eq!(outcome(&server, wrong).await.0, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn lists_are_json_on_request() {
    let (server, project) = ready().await;
    let parsed = async |arguments: &[&str]| -> Value {
        let (code, out, err) = outcome(&server, arguments).await;
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let projects = parsed(&["ls", "--json", "--sort", "attention"]).await;
    assert_eq!(
        (&projects[0]["id"], &projects[0]["name"]),
        (&project.into(), &"p".into())
    );
    assert_eq!(projects[0]["session"]["status"], "running");
    assert_eq!(projects[0]["session"]["agent_state"], "idle");
    assert!(parsed(&["token", "list", "--json"]).await.is_array());
    assert!(parsed(&["audit", "--json"]).await.is_array());
    let (_, table, _) = outcome(&server, &["ls"]).await;
    let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words[1..4], ["running", "idle", "0"], "{table}");
}
