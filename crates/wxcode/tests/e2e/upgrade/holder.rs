//! Holders switch to the server's build while the session is quiet and without visible effect.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use wxcode_holder::client::{self, Event, Request};

use super::{BUILDS, holder_of, newer, own_program};
use crate::support::{Agent, Server, Wire, eventually, holder_program, is_alive, kill, real};

const NAME: &str = "client=00112233445566778899aabbccddeeff";

fn build_of(dir: &Path) -> String {
    holder_of(dir)["build"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn quiet_sessions_upgrade_to_the_servers_build() {
    let mut server = Server::start(Agent::fake("")).await;
    let program = own_program(&mut server).await;
    let project = server.project("quiet").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    let hello = server.deliver(&project, "before the upgrade").await;
    server.delivery_until(&project, &hello, "submitted").await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    let before = holder_of(&dir);
    let first = fs::read_link(format!("/proc/{}/exe", before["pid"])).unwrap();
    let mut wire = Wire::attach(&server, &project, NAME).await;
    wire.until_shown("last: before the upgrade").await;

    newer(&program);
    assert_eq!(server.terminate().await, Some(0));
    server.up().await;
    eventually("the holder is upgraded", || build_of(&dir) == BUILDS.1).await;
    let after = holder_of(&dir);
    for key in ["pid", "start_time", "agent_pid", "guardian", "started_at"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    eventually("it is told", || {
        server.log().contains("now runs this build")
    })
    .await;
    // Each build's holder runs from a copy of that build.
    let exe = fs::read_link(format!("/proc/{}/exe", after["pid"])).unwrap();
    assert!(exe.starts_with(server.data_dir().join("bin")), "{exe:?}");
    assert_ne!(exe, first);

    // The client resumes at the byte, and deliveries work.
    while wire.next().await {}
    let mut wire = Wire::resume(&server, &project, wire, NAME).await;
    let hello = server.deliver(&project, "after the upgrade").await;
    server.delivery_until(&project, &hello, "submitted").await;
    wire.until_shown("fake: 2 user messages; last: after the upgrade")
        .await;
    assert_eq!(wire.snapshots, 1, "no screen but the first");
    for key in ["session_id", "pid", "claude_session_id"] {
        assert_eq!(server.session(&project).await[key], session[key], "{key}");
    }
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn the_real_claude_code_survives_an_upgrade() {
    let Some(agent) = real() else { return };
    let mut server = Server::start(agent).await;
    let program = own_program(&mut server).await;
    let project = server.project("real").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    let hello = server.deliver(&project, "before the upgrade").await;
    server.delivery_until(&project, &hello, "submitted").await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    let mut wire = Wire::attach(&server, &project, NAME).await;
    wire.until_shown("before the upgrade").await;
    newer(&program);
    server.terminate().await;
    server.up().await;
    eventually("the holder is upgraded", || build_of(&dir) == BUILDS.1).await;
    while wire.next().await {}
    let mut wire = Wire::resume(&server, &project, wire, NAME).await;
    let hello = server.deliver(&project, "after the upgrade").await;
    server.delivery_until(&project, &hello, "submitted").await;
    wire.until_shown("after the upgrade").await;
    assert_eq!(wire.snapshots, 1, "no screen but the first");
    let after = server
        .session_until(&project, "idle again", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    for key in ["session_id", "pid", "claude_session_id"] {
        assert_eq!(after[key], session[key], "{key}");
    }
}

#[tokio::test]
async fn a_replaced_server_file_still_upgrades() {
    let mut server = Server::start(Agent::fake("")).await;
    let program = own_program(&mut server).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    server.terminate().await;
    // The file is replaced before the first line of the server runs.
    newer(&program);
    let replaced = "exec 3< \"$0\"; rm \"$0\"; printf '#!/bin/sh\nexit 1\n' > \"$0\"; chmod 755 \"$0\"; exec /proc/self/fd/3 \"$@\"";
    server.program = ["/bin/sh", "-c", replaced].map(Into::into).to_vec();
    server.program.push(program.clone().into());
    server.up().await;
    eventually("the holder is upgraded", || build_of(&dir) == BUILDS.1).await;
    assert_eq!(server.session(&project).await["status"], "running");
    server.deliver(&project, "typed by it").await;
    let mut wire = Wire::attach(&server, &project, NAME).await;
    wire.until_shown("typed by it").await;
}

#[tokio::test]
async fn a_busy_session_upgrades_later() {
    // Without hooks the server cannot know whether the session is quiet.
    let mut server = Server::start(Agent::script("echo up; exec cat")).await;
    let program = own_program(&mut server).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let dir = server.session_dirs().remove(0);
    newer(&program);
    server.terminate().await;
    server.up().await;
    let mut wire = Wire::attach(&server, &project, NAME).await;
    wire.until_shown("up").await;
    // Longer than an upgrade of a quiet session takes.
    for n in 0..20 {
        wire.input(&format!("line {n}\r")).await;
        wire.until_shown(&format!("line {n}")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(build_of(&dir), BUILDS.0);
}

#[tokio::test]
async fn killing_the_server_mid_upgrade_loses_nothing() {
    let mut server = Server::start(Agent::fake("")).await;
    let own = own_program(&mut server).await;
    let programs: [PathBuf; 2] = [own.clone(), server.data_dir().join("newer/wxcode")];
    newer(&programs[1]);
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    for (n, wait) in [0, 30, 60, 100, 150, 250, 400].into_iter().enumerate() {
        server.crash().await;
        server.program = vec![programs[(n + 1) % 2].clone().into()];
        server.up().await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        assert_eq!(server.session(&project).await["pid"], session["pid"]);
    }
    // The last build is the newer.
    eventually("the holder is upgraded", || build_of(&dir) == BUILDS.1).await;
    let hello = server.deliver(&project, "after all that").await;
    server.delivery_until(&project, &hello, "submitted").await;
    assert_eq!(server.session(&project).await["pid"], session["pid"]);
}

#[tokio::test]
async fn repeated_upgrades_lose_no_byte() {
    let script = "n=0; while [ ! -e stop ]; do n=$((n+1)); echo \"line $n\"; [ $((n % 40)) = 0 ] && sleep 0.02; done; echo end; exit 9";
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let workspace = server.get(&format!("/output-projects/{project}")).await;
    let workspace = workspace.expect(200)["workspace_path"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = server.start_session(&project).await;
    let dir = server.session_dirs().remove(0);
    let asked = dir.clone();
    let upgrades = tokio::spawn(async move {
        let mut done = 0;
        while done < 20 {
            let Ok(mut holder) = client::connect(&asked).await else {
                panic!("the holder is gone");
            };
            assert_eq!(holder.welcome.info.upgrades, done);
            let request = Request::Upgrade {
                build: wxcode_holder::folder::BUILD.to_owned(),
                program: holder_program().into(),
            };
            holder.sender.send(request).await.unwrap();
            loop {
                match holder.receiver.next().await {
                    Ok(Some(Event::Upgrading)) => break done += 1,
                    Ok(Some(Event::UpgradeRefused { busy, reason })) => {
                        assert!(busy, "{reason}");
                        break;
                    }
                    Ok(Some(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    });
    // The wire client checks for gaps in the offsets; numbered lines also show changed bytes.
    let mut wire = Wire::attach(&server, &project, "").await;
    let mut reconnections = 0;
    while !upgrades.is_finished() {
        if !wire.next().await {
            wire = Wire::resume(&server, &project, wire, "").await;
            reconnections += 1;
        }
    }
    upgrades.await.unwrap();
    assert!(
        reconnections > 0 && wire.snapshots == 1,
        "{reconnections} {}",
        wire.snapshots
    );
    let after = server.session(&project).await;
    assert_eq!(
        (&after["pid"], &after["status"]),
        (&session["pid"], &"running".into())
    );
    fs::write(Path::new(&workspace).join("stop"), "").unwrap();
    loop {
        if wire.text().contains("end") && wire.closed.is_some() {
            break;
        }
        if !wire.next().await && wire.closed.as_ref().is_none_or(|(code, _)| *code == 1001) {
            wire = Wire::resume(&server, &project, wire, "").await;
        }
    }
    let exited = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(exited["exit"]["code"], 9);
    let newest: Vec<u64> = wire
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("line ")?.parse().ok())
        .collect();
    assert!(
        newest.len() > 20 && newest.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{newest:?}"
    );
    assert_eq!(
        wire.offset,
        exited["seq"].as_u64().unwrap(),
        "each byte was seen"
    );
}

#[tokio::test]
async fn an_upgraded_holders_death_ends_its_agent() {
    let mut server = Server::start(Agent::fake("")).await;
    let program = own_program(&mut server).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;
    let dir = server.session_dirs().remove(0);
    newer(&program);
    server.terminate().await;
    server.up().await;
    eventually("the holder is upgraded", || build_of(&dir) == BUILDS.1).await;
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    kill(i32::try_from(holder_of(&dir)["pid"].as_i64().unwrap()).unwrap());
    let exited = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(exited["exit"]["reason"], "holder_lost");
    assert!(!is_alive(pid));
}
